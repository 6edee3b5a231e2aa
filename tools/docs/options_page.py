"""The page of the options of a run, made from the record that describes each once."""

from __future__ import annotations

from tools.docs.markdown import page, table
from vidsr.run.option_listings import ReferenceRow, reference_rows

INTRODUCTION = """\
Every choice of a run has one description, from which the [command](commands/vidsr.md) and the
keywords of [`vidsr.upscale`](python.md) derive. `None` means that the choice follows from the
source, the target or the model."""
HEAD = ("option", "keyword", "values", "default", "meaning")


def options_page() -> str:
    """Return every option of a run with its flag, its keyword and its values."""
    return page("# Options of a run", INTRODUCTION, table(HEAD, map(_row, reference_rows())))


def _row(row: ReferenceRow) -> tuple[str, ...]:
    flags = ", ".join(f"`{flag}`" for flag in row.flag.split(", "))
    return flags, f"`{row.name}`", row.type, f"`{row.default}`", row.help
