"""Steps of a picture on a grid of 16x16 pixels, from blocks of any size."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from vidsr.picture.coding_error import BLOCK
from vidsr.video.coding.headers.steps import mpeg_steps, qp_steps, vp9_steps
from vidsr.video.coding.venc_params import Quantisers


@dataclass(frozen=True)
class Steps:
    """The steps of one picture: their mean, and a grid where they differ by block."""

    mean: float
    grid: NDArray[np.float64] | None = None


def picture_steps(quantisers: Quantisers, width: int, height: int, depth: int) -> Steps | None:
    """Return the steps of a picture of this size in pixels, None where none are usable."""
    base, blocks = quantisers.base, quantisers.blocks
    if not len(blocks):
        if quantisers.kind == "mpeg":  # whose base is always 0
            return None
        return Steps(float(_steps(quantisers, base, depth)))
    values = _steps(quantisers, blocks[:, 4].astype(np.int64) + base, depth)
    grid = _painted(blocks, values, -(-width // BLOCK), -(-height // BLOCK))
    return None if grid is None else Steps(float(grid.mean()), grid)


def _painted(
    blocks: NDArray[np.int32], values: NDArray[np.float64], columns: int, rows: int
) -> NDArray[np.float64] | None:
    """Return the mean by area of what lies in each cell; cells without blocks get that of all."""
    x, y, w, h = (blocks[:, i].astype(np.int64) for i in range(4))
    widest, highest = (min(int(side.max()), 8 * BLOCK) for side in (w, h))
    areas, sums = np.zeros(columns * rows), np.zeros(columns * rows)
    for dy in range(0, highest, BLOCK):
        for dx in range(0, widest, BLOCK):
            column, row = (x + dx) // BLOCK, (y + dy) // BLOCK
            held = (w > dx) & (h > dy) & (x >= 0) & (y >= 0) & (column < columns) & (row < rows)
            cell = (row * columns + column)[held]
            area = (np.minimum(w - dx, BLOCK) * np.minimum(h - dy, BLOCK))[held].astype(np.float64)
            areas += np.bincount(cell, area, len(areas))
            sums += np.bincount(cell, area * values[held], len(areas))
    if not areas.any():
        return None
    sums[areas == 0], areas[areas == 0] = sums.sum() / areas.sum(), 1
    return (sums / areas).reshape(rows, columns)


def _steps(quantisers: Quantisers, values: ArrayLike, depth: int) -> NDArray[np.float64]:
    """Return the steps of quantisers of a picture.

    Args:
        quantisers: The picture's quantisers.
        values: Numbers on their scale, ``base`` added.
        depth: Bits of a sample.
    """
    if quantisers.kind == "h264":
        return qp_steps(values, depth)
    if quantisers.kind == "vp9":
        return vp9_steps(values, depth)
    return mpeg_steps(values)
