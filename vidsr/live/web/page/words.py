"""Numbers, sizes and times as people read them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

NONE = "\N{EN DASH}"
_MS = 1000.0
_STEPS = ((86_400.0, "d"), (3600.0, "h"), (60.0, "min"), (1.0, "s"))


def rate(fps: float) -> str:
    """Return frames a second with one digit after the point, none where it is 0."""
    return f"{fps:.1f}".removesuffix(".0")


def milliseconds(seconds: float | None) -> str:
    """Return a duration in milliseconds; a dash where it is not known."""
    if seconds is None:
        return NONE
    value = seconds * _MS
    return f"{value:.1f} ms" if value < 10 else f"{value:,.0f} ms".replace(",", " ")


def count(number: int) -> str:
    """Return a count with its thousands apart."""
    return f"{number:,}".replace(",", " ")


def share(part: float, whole: float) -> str:
    """Return a share in percent; a dash of nothing."""
    if not whole:
        return NONE
    percent = 100 * part / whole
    # 99.96 % is not all, and 0.04 % is not nothing.
    if 0 < percent < 0.1:
        return "< 0.1 %"
    if 99.9 < percent < 100:
        return "> 99.9 %"
    return f"{percent:.1f} %".replace(".0 %", " %")


def duration(seconds: float) -> str:
    """Return a length of time in its greatest unit: ``4 min``, ``2 h``."""
    for step, unit in _STEPS:
        if seconds >= step:
            return f"{int(seconds // step)} {unit}"
    return "0 s"


def size(pixels: tuple[int, int] | None) -> str:
    """Return a size in pixels; a dash where it is not known."""
    return NONE if pixels is None else f"{pixels[0]}\N{MULTIPLICATION SIGN}{pixels[1]}"


def sizes(before: tuple[int, int] | None, after: tuple[int, int] | None) -> str:
    """Return a source's size and that of its output."""
    return (
        "no frame yet" if before is None else f"{size(before)} \N{RIGHTWARDS ARROW} {size(after)}"
    )


def bytes_of(number: int) -> str:
    """Return a number of bytes in decimal units."""
    value = float(number)
    for unit in ("B", "kB", "MB", "GB"):
        if value < 1000:
            return f"{value:.0f} {unit}" if unit == "B" else f"{value:.1f} {unit}"
        value /= 1000
    return f"{value:.1f} TB"


def total(counts: Mapping[Any, int]) -> int:
    """Return the sum of counts."""
    return sum(counts.values())
