"""Tables as Markdown has them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence


def table(titles: Sequence[str], lines: Iterable[Sequence[str]]) -> str:
    """Return a Markdown table, the first column to the left and all others to the right."""
    bar = ["---", *["---:"] * (len(titles) - 1)]
    return "\n".join(_line(cells) for cells in (titles, bar, *lines))


def _line(cells: Sequence[str]) -> str:
    # A file name may hold the sign that parts the cells.
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"
