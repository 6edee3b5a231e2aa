"""Windows that hold all changed cells with their surroundings, in few shapes and little area."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from vidsr.engines.tile_spans import Span
from vidsr.engines.tiling import Tile
from vidsr.picture.size import Size
from vidsr.upscaling.reuse.cells import CELL, Cells

# Sides of windows. A shape that a network has not seen costs a few milliseconds once, in oneDNN
# 0.5 a layer, and oneDNN keeps 1024 layers of all shapes: so sides grow by steps.
SIDES = (32, 48, 64, 96, 128, 192, 256, *range(320, 4097, 64))
# Nearly all of an axis in finer steps: a film between bars always has the same window.
FINE_STEP, FINE_SIDES = 32, 6
CALL_PIXELS = 512  # what a call of the network costs beside its pixels, counted in pixels
ENOUGH = 0.92  # of a frame: windows that take more are not worth their trouble
MOST_WINDOWS = 64

Ints = NDArray[np.int64]
Along = Literal["rows", "columns"]
ALONG: tuple[Along, Along] = ("rows", "columns")


class Axis:
    """One axis of a picture: what a window reads of it for a run of changed cells.

    Args:
        length: Pixels.
        halo: Reach of the network in pixels.
        alignment: Step of the grid that windows start on.
    """

    def __init__(self, length: int, halo: int, alignment: int) -> None:
        self.length, self.halo, self.alignment = length, halo, alignment
        nearly_all = range(length - FINE_STEP, length // 2, -FINE_STEP)[:FINE_SIDES]
        sides = {length, *nearly_all, *(side for side in SIDES if side < length)}
        self._sides = np.array(sorted(sides))
        self.smallest = int(self.costs(np.array([0]), np.array([0]))[0])

    def costs(self, first: Ints, last: Ints) -> Ints:
        """Return how many pixels windows read for cells ``first`` to ``last``, each inclusive."""
        start = np.maximum(first * CELL - 2 * self.halo, 0)
        stop = np.minimum((last + 1) * CELL + 2 * self.halo, self.length)
        side: Ints = self._sides[np.searchsorted(self._sides, stop - start)]
        return side

    def span(self, first: int, last: int) -> Span:
        """Return what is read, and what is kept of it, for cells ``first`` to ``last``."""
        start = max(first * CELL - 2 * self.halo, 0)
        start -= start % self.alignment
        stop = min((last + 1) * CELL + 2 * self.halo, self.length)
        side = int(self._sides[np.searchsorted(self._sides, stop - start)])
        if start + side > self.length:  # pushed inwards, to a start on the grid
            start = (self.length - side) // self.alignment * self.alignment
            side = self.length - start
        keep_start = max(first * CELL - self.halo, 0)
        keep_stop = min((last + 1) * CELL + self.halo, self.length)
        return Span(start, start + side, keep_start, keep_stop)


@dataclass(frozen=True)
class _Box:
    """Cells from one corner to another, both inclusive, and what a window around them costs."""

    top: int
    bottom: int
    left: int
    right: int
    cost: int


class WindowPlanner:
    """Planner of windows for one size of picture and one reach of a network.

    Args:
        picture: Size in pixels.
        halo: Reach of the network in pixels.
        alignment: Step of the grid that windows start on.
    """

    def __init__(self, picture: Size, halo: int, alignment: int = 1) -> None:
        self._rows = Axis(picture.height, halo, alignment)
        self._columns = Axis(picture.width, halo, alignment)
        self._pixels = picture.width * picture.height
        self._smallest = self._rows.smallest * self._columns.smallest + CALL_PIXELS

    def plan(self, changed: Cells) -> tuple[Tile, ...] | None:
        """Return windows around all ``changed`` cells; None where the whole picture is cheaper.

        Kept parts hold every pixel that a changed one reaches, and lie as far from a cut edge as
        the network reaches.
        """
        first = self._tight(changed, 0, 0)
        if first is None:
            return ()
        if self._least(changed) > ENOUGH * self._pixels:
            return None
        boxes = self._split(changed, first, [MOST_WINDOWS])
        if sum(box.cost for box in boxes) > ENOUGH * self._pixels:
            return None
        return tuple(
            Tile(self._rows.span(b.top, b.bottom), self._columns.span(b.left, b.right))
            for b in boxes
        )

    def share(self, windows: Sequence[Tile] | None) -> float:
        """Return which part of a picture's pixels the network sees in ``windows``."""
        if windows is None:
            return 1.0
        return sum(window_pixels(each) for each in windows) / self._pixels

    def _least(self, changed: Cells) -> int:
        """Return the number of pixels that any windows around the cells read together, at least."""
        near = 2 * self._rows.halo // CELL
        return int(_grown(changed, near).sum()) * CELL * CELL

    def _tight(self, changed: Cells, top: int, left: int) -> _Box | None:
        """Return the smallest box of all changed cells, at an offset; None where there is none."""
        rows, columns = np.flatnonzero(changed.any(1)), np.flatnonzero(changed.any(0))
        if not len(rows):
            return None
        y0, y1, x0, x1 = (int(n) for n in (rows[0], rows[-1], columns[0], columns[-1]))
        cost = self._cost(*(np.array([n]) for n in (y0 + top, y1 + top, x0 + left, x1 + left)))
        return _Box(y0 + top, y1 + top, x0 + left, x1 + left, int(cost[0]))

    def _cost(self, top: Ints, bottom: Ints, left: Ints, right: Ints) -> Ints:
        rows, columns = self._rows.costs(top, bottom), self._columns.costs(left, right)
        pixels: Ints = rows * columns + CALL_PIXELS
        return pixels

    def _split(self, changed: Cells, box: _Box, room: list[int]) -> list[_Box]:
        """Return boxes that cost less than ``box`` together and hold what it does."""
        if room[0] <= 1 or box.cost <= 2 * self._smallest:
            return [box]
        cells = changed[box.top : box.bottom + 1, box.left : box.right + 1]
        tall = cells.shape[0] > cells.shape[1]
        for along in ALONG if tall else reversed(ALONG):
            total, parts = self._cut(cells, box, along)
            if total < box.cost:
                room[0] -= 1
                return [small for part in parts for small in self._split(changed, part, room)]
        return [box]

    def _cut(self, cells: Cells, box: _Box, along: Along) -> tuple[int, tuple[_Box, ...]]:
        """Return the cheapest cut of ``box`` in two, each as small as its cells, and their cost."""
        if along == "columns":
            cells = cells.T
        low, high = _ends(cells)
        if len(low) < 2:
            return box.cost, (box,)
        used = np.flatnonzero(high >= 0)
        following = np.searchsorted(used, np.arange(1, len(low)))
        heads, tails = used[following - 1], used[following]
        before = np.minimum.accumulate(low)[:-1], np.maximum.accumulate(high)[:-1]
        after = (
            np.minimum.accumulate(low[::-1])[::-1][1:],
            np.maximum.accumulate(high[::-1])[::-1][1:],
        )
        zero = np.zeros_like(heads)
        sides = [
            self._placed(box, along, zero, heads, *before),
            self._placed(box, along, tails, zero + len(low) - 1, *after),
        ]
        costs = [self._cost(*side) for side in sides]
        best = int((costs[0] + costs[1]).argmin())
        parts = tuple(
            _Box(*(int(numbers[best]) for numbers in (top, bottom, left, right, cost)))
            for (top, bottom, left, right), cost in zip(sides, costs, strict=True)
        )
        return sum(part.cost for part in parts), parts

    @staticmethod
    def _placed(
        box: _Box, along: Along, first: Ints, last: Ints, low: Ints, high: Ints
    ) -> tuple[Ints, Ints, Ints, Ints]:
        """Return (top, bottom, left, right) in the picture of runs and their ends in a box."""
        if along == "rows":
            return first + box.top, last + box.top, low + box.left, high + box.left
        return low + box.top, high + box.top, first + box.left, last + box.left


def window_pixels(window: Tile) -> int:
    """Return how many pixels the network sees in a window."""
    rows, columns = window.rows, window.columns
    return (rows.stop - rows.start) * (columns.stop - columns.start)


def _ends(cells: Cells) -> tuple[Ints, Ints]:
    """Return first and last changed cell of each row; past the end and -1 where there is none."""
    _, width = cells.shape
    some = cells.any(1)
    low = np.where(some, cells.argmax(1), width)
    high = np.where(some, width - 1 - cells[:, ::-1].argmax(1), -1)
    return low, high


def _grown(cells: Cells, by: int) -> Cells:
    """Return cells that lie at most ``by`` from one of ``cells`` on both axes."""
    return _grown_down(_grown_down(cells, by).T, by).T


def _grown_down(cells: Cells, by: int) -> Cells:
    sums = np.cumsum(np.pad(cells, ((by + 1, by), (0, 0))), axis=0)
    grown: Cells = sums[2 * by + 1 :] > sums[: len(cells)]
    return grown
