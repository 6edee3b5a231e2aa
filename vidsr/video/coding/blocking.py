"""Traces of an 8x8 grid in a picture: what an earlier encode left, whatever holds it now."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_GRID = 8
# Eight clean clips shrunk four times show -0.01 to 0.20 (the highest was coded before),
# MPEG-2, MPEG-4 and JPEG of quantiser 8 0.07 to 0.68. What lies below counts as clean; codecs that
# filter their blocks' edges (H.264 and later) mostly stay below as well.
_CLEAN = 0.2
# Edges of things stand out by more; with those of a moving bar and of lettering counted, clean
# drawings showed 0.17 and more.
_HIGHEST_STEP = 16.0
# Levels for each unit above: half of what those clips had, so as to say too little.
_LEVELS = 16.0


def blocking(rows: NDArray[np.float32], depth: int = 8) -> float:
    """Return how much more often a difference of neighbours stands out at block edges than inside.

    A share of samples, about 0 where there is no grid, at most 1. It stands out where it is larger
    than both beside it and no more than 16 levels. Medians over the columns of each kind are
    compared, so that the edge of one thing that lies on the grid counts for nothing.

    Args:
        rows: Rows of luma, ``[n, w]``.
        depth: Bits of a sample.
    """
    if rows.shape[1] < 4 * _GRID or not rows.size:
        return 0.0
    steps = np.abs(rows[:, 1:] - rows[:, :-1])
    middle = steps[:, 1:-1]
    highest = _HIGHEST_STEP * (1 << max(depth - 8, 0))
    stands_out = (middle > steps[:, :-2]) & (middle > steps[:, 2:]) & (middle <= highest)
    share = stands_out.mean(axis=0)
    edges = share[_GRID - 2 :: _GRID]
    whole = share[: len(share) // _GRID * _GRID].reshape(-1, _GRID)
    return float(np.median(edges) - np.median(whole[:, : _GRID - 3]))


def grid_levels(rows: NDArray[np.float32], depth: int = 8) -> float:
    """Return the error in levels of 8 bits that a visible grid tells of; 0 for none."""
    return max(0.0, blocking(rows, depth) - _CLEAN) * _LEVELS
