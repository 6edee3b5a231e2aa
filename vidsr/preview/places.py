"""The places of a preview in time and in the picture."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

from vidsr.picture.frame import Frame, VideoFormat
from vidsr.picture.size import Size
from vidsr.quality.sheets.sheet import detailed_window

PLACES = (Fraction(1, 6), Fraction(1, 2), Fraction(5, 6))
WINDOW = Size(320, 180)  # of the source: a frame takes 0.1 s on two cores, not 3
_GRID = 4  # samples of chroma lie at every pixel, every second or every fourth


def times_of(start_s: float, length_s: float | None) -> tuple[float, ...]:
    """Return the times of the places in seconds, ascending; the start alone if the end is unknown.

    Args:
        start_s: Seconds at which the part to upscale begins.
        length_s: Its length in seconds, None where it is unknown.
    """
    if length_s is None:
        return (start_s,)
    return tuple(start_s + float(part) * length_s for part in PLACES)


def clip_of(start_s: float, length_s: float | None, shown_s: float) -> tuple[float, float]:
    """Return the begin and the length of the clip in seconds: around the middle, within the part.

    Args:
        start_s: Seconds at which the part to upscale begins.
        length_s: Its length in seconds, None where it is unknown.
        shown_s: The longest clip, in seconds.
    """
    if length_s is None:
        return start_s, shown_s
    return start_s + max(0.0, (length_s - shown_s) / 2), min(shown_s, length_s)


def window_of(frame: Frame) -> tuple[int, int, int, int]:
    """Return (top, left, height, width) of the part of a frame with the most detail."""
    top, left, high, wide = detailed_window(frame.planes[0], WINDOW)
    return top // _GRID * _GRID, left // _GRID * _GRID, high, wide


def cut(frame: Frame, window: tuple[int, int, int, int]) -> Frame:
    """Return a part of a frame, its planes copied; top and left lie on the grid of chroma."""
    top, left, high, wide = window
    whole = frame.format
    part = VideoFormat(wide, high, whole.pixel, whole.color)
    planes = []
    for plane, (h, w) in zip(frame.planes, part.plane_sizes, strict=True):
        y = top // round(whole.height / plane.shape[0])
        x = left // round(whole.width / plane.shape[1])
        planes.append(plane[y : y + h, x : x + w].clone())
    return replace(frame, planes=tuple(planes), format=part, release=lambda: None)
