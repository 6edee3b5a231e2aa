"""Bars that a GPU has to reach: shares of ceilings that the same run measured."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

LEAST_SHARE_OF_COPY = 0.80  # of the colour kernels at 4K; they are bound by memory
LEAST_SHARE_OF_MATMUL = 0.35  # of srresnet-x4 at 960x540
LEAST_SHARE_OF_ENGINE = 0.95  # of the stream without codecs: what is around the network hides
GREATEST_DIFFERENCE = 1.0  # levels from the reference
GREATEST_GROWTH_BYTES = 32 << 20  # of endurance; the allocators of host and device round up

Result = dict[str, Any]


def bars(parts: Result) -> dict[str, str]:
    """Return ``met``, or what was missed, or ``not measured``, for each bar."""
    return dict(_bars(parts))


def _bars(parts: Result) -> Iterator[tuple[str, str]]:
    for name, row in _rows(parts, "kernels"):
        if "fp16" in name and "torch" not in name:
            share, difference = row.get("share_of_copy"), row.get("greatest_difference")
            yield f"{name}: share of copy", _at_least(share, LEAST_SHARE_OF_COPY)
            yield f"{name}: levels off", _at_most(difference, GREATEST_DIFFERENCE)
    engines = dict(_rows(parts, "engines"))
    net = engines.get("srresnet-x4 960x540", {})
    share = _at_least(net.get("share_of_matmul"), LEAST_SHARE_OF_MATMUL)
    yield "srresnet-x4 960x540: share of matmul", share
    for name, row in engines.items():
        yield f"{name}: graph equals eager", _true(row.get("graphed_equals_eager"))
    stream = dict(_rows(parts, "stream")).get("srresnet-x4 960x540", {})
    share = _at_least(stream.get("share_of_engine"), LEAST_SHARE_OF_ENGINE)
    yield "stream: share of the engine's rate", share
    yield from _endurance(parts.get("endurance", {}))


def _endurance(row: Result) -> Iterator[tuple[str, str]]:
    asked = row.get("asked_for")
    yield "endurance: frames", "not measured" if asked is None else _at_least(row["frames"], asked)
    yield "endurance: order errors", _at_most(row.get("order_errors"), 0)
    for name, grown in row.get("growth_bytes", {}).items():
        yield f"endurance: growth of {name}", _at_most(grown, GREATEST_GROWTH_BYTES)


def _rows(parts: Result, part: str) -> Iterator[tuple[str, Result]]:
    for name, row in parts.get(part, {}).items():
        if isinstance(row, dict):
            yield name, row


def _at_least(value: float | None, least: float) -> str:
    if value is None:
        return "not measured"
    return "met" if value >= least else f"missed: {value:.4g}, at least {least:g}"


def _at_most(value: float | None, most: float) -> str:
    if value is None:
        return "not measured"
    return "met" if value <= most else f"missed: {value:.4g}, at most {most:g}"


def _true(value: bool | None) -> str:
    if value is None:
        return "not measured"
    return "met" if value else "missed"
