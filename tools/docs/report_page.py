"""The page of the report's JSON, made from the dataclass that writes it."""

from __future__ import annotations

import dataclasses
import inspect
import re
import types
import typing
from collections.abc import Iterator
from typing import Any

from tools.docs.markdown import code, page, table
from vidsr.picture.coding_record import CodingSummary
from vidsr.run.report import Report
from vidsr.run.stages.histogram import Histogram, LatencySummary

INTRODUCTION = """\
`vidsr IN -o OUT --report FILE` writes what a run did as one JSON object; in Python
`vidsr.upscale` returns the same as a `vidsr.Report`, whose `to_json()` gives this text. Keys are
only added: see [versions](../development/versions.md)."""
EXAMPLE = """\
import json

import vidsr

report = vidsr.upscale("input.mp4", "out_2x.mp4", scale=2, overwrite=True)
print(json.loads(report.to_json())["frames"], report.fps)"""
DERIVED = {
    "coding_error": "What the source's codec did to its pictures; null where it is not known.",
    "computed_share": "share of the pixels that were computed: `computed_pixels` over `pixels`",
    "fps": "frames a second: `frames` over `elapsed_s`",
}


def report_keys() -> list[str]:
    """Return the top-level keys in the order of the JSON."""
    return list(_hints())


def meanings() -> dict[str, str]:
    """Return the meaning of each top-level key, in the words of the dataclass."""
    return described(Report) | DERIVED


def described(record: Any) -> dict[str, str]:
    """Return what the section ``Args:`` of a dataclass's docstring says of each field."""
    section = (inspect.getdoc(record) or "").partition("\nArgs:\n")[2].partition("\n\n")[0]
    found = re.findall(r"^    (\w+): (.*(?:\n {8}.*)*)", section, re.MULTILINE)
    return {name: " ".join(text.replace("``", "`").split()) for name, text in found}


def report_page() -> str:
    """Return the keys of the report with their types and meanings."""
    told = meanings()
    rows = [(f"`{key}`", f"`{kind}`", told.get(key, "")) for key, kind in _keys()]
    inner = [page(f"## {key}", table(("key", "type", "meaning"), rows)) for key, rows in _nested()]
    return page(
        "# The report",
        INTRODUCTION,
        code(EXAMPLE, "python"),
        table(("key", "type", "meaning"), rows),
        *inner,
    )


def _hints() -> dict[str, Any]:
    """Return the type of each top-level key: those of the fields, then of what is derived."""
    derived = {"coding_error": CodingSummary | None, "computed_share": float, "fps": float}
    return typing.get_type_hints(Report) | derived


def _keys() -> Iterator[tuple[str, str]]:
    for key, hint in _hints().items():
        yield key, json_type(hint)


def _nested() -> Iterator[tuple[str, list[tuple[str, str, str]]]]:
    """Yield the keys whose values are records, with the keys inside."""
    for key, hint in _hints().items():
        record = _record(hint)
        if record is not None:
            inner, told = typing.get_type_hints(record), described(record)
            rows = [(f"`{n}`", f"`{json_type(hint)}`", told[n]) for n, hint in inner.items()]
            yield key, rows


def _record(hint: Any) -> Any:
    """Return the record that a type is made of as JSON has it, or None."""
    if hint is Histogram:
        return LatencySummary
    if dataclasses.is_dataclass(hint):
        return hint
    found = (_record(part) for part in typing.get_args(hint))
    return next((record for record in found if record is not None), None)


def json_type(hint: Any) -> str:
    """Return what a Python type becomes in JSON."""
    plain = {str: "string", int: "integer", float: "number", bool: "boolean", type(None): "null"}
    if hint in plain:
        return plain[hint]
    origin, inner = typing.get_origin(hint), typing.get_args(hint)
    if origin in (tuple, list, set, frozenset):
        kinds = list(dict.fromkeys(json_type(part) for part in inner if part is not ...))
        return f"array of {' or '.join(kinds)}"
    if origin in (typing.Union, types.UnionType):
        return " or ".join(json_type(part) for part in inner)
    if origin is typing.Literal:
        return "string"
    return "object"
