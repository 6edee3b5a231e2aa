"""Stroke font: a small lower-case alphabet drawn as distances; no font file, no font library.

Units: the x-height is 4, ascenders reach 6, descenders -2; y points up, the baseline is y = 0.
"""

from __future__ import annotations

from itertools import pairwise
from math import cos, pi, sin

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Point = tuple[float, float]
Stroke = list[Point]


def _arc(x: float, y: float, rx: float, ry: float, start: float, end: float) -> Stroke:
    """Return part of an ellipse about (x, y), ``start`` to ``end`` degrees, counter-clockwise."""
    steps = max(4, round(abs(end - start) / 15))
    angles = [(start + (end - start) * i / steps) * pi / 180 for i in range(steps + 1)]
    return [(x + rx * cos(a), y + ry * sin(a)) for a in angles]


def _line(*numbers: float) -> Stroke:
    return list(zip(numbers[::2], numbers[1::2], strict=True))


_BOWL = _arc(2, 2, 2, 2, 0, 360)
_TALL = _arc(2, 3, 2, 3, 0, 360)

# Each glyph: its width, then its strokes.
_GLYPHS: dict[str, tuple[float, list[Stroke]]] = {
    " ": (1.6, []),
    "a": (4, [_BOWL, _line(4, 4, 4, 0)]),
    "b": (4, [_BOWL, _line(0, 6, 0, 0)]),
    "c": (3.6, [_arc(2, 2, 2, 2, 45, 315)]),
    "d": (4, [_BOWL, _line(4, 6, 4, 0)]),
    "e": (4, [[*_line(0, 2), *_arc(2, 2, 2, 2, 0, 315)]]),
    "f": (2.2, [[*_arc(2.2, 4.8, 1.2, 1.2, 90, 180), (1, 0)], _line(0, 4, 2.2, 4)]),
    "g": (4, [_BOWL, [(4, 4), *_arc(2, -0.2, 2, 1.8, 0, -135)]]),
    "h": (3.6, [_line(0, 6, 0, 0), [(0, 2), *_arc(1.8, 2.2, 1.8, 1.8, 180, 0), (3.6, 0)]]),
    "i": (0, [_line(0, 4, 0, 0), _line(0, 5.7, 0, 5.8)]),
    "j": (1, [[(1, 4), *_arc(0, -1, 1, 1, 0, -90)], _line(1, 5.7, 1, 5.8)]),
    "k": (3.2, [_line(0, 6, 0, 0), _line(3, 4, 0, 1.6), _line(1.1, 2.5, 3.2, 0)]),
    "l": (0, [_line(0, 6, 0, 0)]),
    "m": (
        6,
        [
            _line(0, 4, 0, 0),
            [*_arc(1.5, 2.5, 1.5, 1.5, 180, 0), (3, 0)],
            [*_arc(4.5, 2.5, 1.5, 1.5, 180, 0), (6, 0)],
        ],
    ),
    "n": (3.6, [_line(0, 4, 0, 0), [(0, 2), *_arc(1.8, 2.2, 1.8, 1.8, 180, 0), (3.6, 0)]]),
    "o": (4, [_BOWL]),
    "p": (4, [_BOWL, _line(0, 4, 0, -2)]),
    "q": (4, [_BOWL, _line(4, 4, 4, -2)]),
    "r": (2, [_line(0, 4, 0, 0), _arc(1.8, 2.2, 1.8, 1.8, 180, 75)]),
    "s": (2.8, [[*_arc(1.4, 2.95, 1.2, 1.05, 40, 250), *_arc(1.4, 1.02, 1.35, 1.02, 80, -145)]]),
    "t": (2.2, [[(1, 5.4), *_arc(2.2, 1.2, 1.2, 1.2, 180, 270)], _line(0, 4, 2.2, 4)]),
    "u": (3.6, [[(0, 4), *_arc(1.8, 1.8, 1.8, 1.8, 180, 360), (3.6, 4)], _line(3.6, 4, 3.6, 0)]),
    "v": (3.6, [_line(0, 4, 1.8, 0, 3.6, 4)]),
    "w": (5.6, [_line(0, 4, 1.4, 0, 2.8, 4, 4.2, 0, 5.6, 4)]),
    "x": (3.4, [_line(0, 4, 3.4, 0), _line(0, 0, 3.4, 4)]),
    "y": (3.6, [_line(0, 4, 1.8, 0), _line(3.6, 4, 1, -2)]),
    "z": (3.2, [_line(0, 4, 3.2, 4, 0, 0, 3.2, 0)]),
    "0": (4, [_TALL]),
    "1": (1.4, [_line(0, 5, 1.4, 6, 1.4, 0)]),
    "2": (3.6, [[*_arc(1.8, 4.2, 1.8, 1.8, 165, -30), (0, 0), (3.6, 0)]]),
    "3": (3.6, [[*_arc(1.7, 4.5, 1.5, 1.5, 150, -90), *_arc(1.7, 1.6, 1.8, 1.6, 90, -150)]]),
    "4": (4, [_line(3, 0, 3, 6, 0, 1.6, 4, 1.6)]),
    "5": (3.6, [[(3.4, 6), (0.5, 6), (0.2, 3.3), *_arc(1.7, 2, 1.9, 2, 125, -140)]]),
    "6": (4, [_arc(2, 1.9, 2, 1.9, 0, 360), [*_arc(4, 2, 4, 4, 180, 105)]]),
    "7": (3.6, [_line(0, 6, 3.6, 6, 1, 0)]),
    "8": (3.6, [_arc(1.8, 4.5, 1.5, 1.5, 0, 360), _arc(1.8, 1.5, 1.8, 1.5, 0, 360)]),
    "9": (4, [_arc(2, 4.1, 2, 1.9, 0, 360), [*_arc(0, 4, 4, 4, 0, -75)]]),
    "-": (2, [_line(0, 2.2, 2, 2.2)]),
    ".": (0, [_line(0, 0, 0, 0.1)]),
}
_GAP = 1.7


def text_width(text: str) -> float:
    """Return the width of ``text`` in font units, without the pen's own thickness."""
    return sum(_GLYPHS[c][0] + _GAP for c in text) - _GAP


def _segment_distance(x: Array, y: Array, a: Point, b: Point) -> Array:
    dx, dy = b[0] - a[0], b[1] - a[1]
    along = ((x - a[0]) * dx + (y - a[1]) * dy) / max(dx * dx + dy * dy, 1e-12)
    along = np.clip(along, 0.0, 1.0)
    return np.asarray(np.hypot(x - a[0] - along * dx, y - a[1] - along * dy))


def _stroke_distance(x: Array, y: Array, stroke: Stroke) -> Array:
    parts = [_segment_distance(x, y, a, b) for a, b in pairwise(stroke)]
    return np.asarray(np.minimum.reduce(parts))


def text_distance(x: Array, y: Array, text: str) -> Array:
    """Return the distance of points to the centre line of ``text``; far away it is 99.

    All is in font units. ``x`` and ``y`` must broadcast to ``[H, W]``, x growing along the columns.
    """
    x, y = np.broadcast_arrays(x, y)
    nearest = np.full(x.shape, 99.0)
    left = 0.0
    for character in text:
        width, strokes = _GLYPHS[character]
        near = (x > left - 1.5) & (x < left + width + 1.5) & (y > -3.5) & (y < 7.5)
        for stroke in strokes:
            nearest[near] = np.minimum(
                nearest[near], _stroke_distance(x[near] - left, y[near], stroke)
            )
        left += width + _GAP
    return nearest


def text_mask(height: int, text: str, *, pen: float = 0.75) -> Array:
    """Return ``[height, W]`` coverage in [0, 1] of one line of ``text``, for captions."""
    unit = height / 10.0
    width = round((text_width(text) + 2) * unit)
    rows, columns = np.mgrid[0 : height * 3, 0 : width * 3].astype(np.float64)
    x, y = (columns + 0.5) / 3 / unit - 1, 7 - (rows + 0.5) / 3 / unit
    inside = np.clip((pen / 2 - text_distance(x, y, text)) * unit * 3 + 0.5, 0, 1)
    return np.asarray(inside.reshape(height, 3, width, 3).mean((1, 3)))
