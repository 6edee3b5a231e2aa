"""Traces of an 8x8 grid in a picture: what an earlier encode left, whatever holds it now."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_GRID = 8
# Clean pictures (seven clips shrunk four times) show -0.02 to 0.03, MPEG-2, MPEG-4 and JPEG of
# quantisers 8 and up 0.1 to 0.6. What lies below counts as clean; codecs that filter their blocks'
# edges (H.264 and later) stay below as well.
_CLEAN = 0.12
# Levels for each unit above: half of what those clips had, so as to say too little.
_LEVELS = 16.0


def blocking(rows: NDArray[np.float32]) -> float:
    """Return how much more often a difference of neighbours stands out at block edges than inside.

    A share of samples, about 0 where there is no grid, at most 1. It stands out where it is larger
    than both beside it, which single strong edges do not disturb as they would a mean.

    Args:
        rows: Rows of luma, ``[n, w]``.
    """
    if rows.shape[1] < 4 * _GRID or not rows.size:
        return 0.0
    steps = np.abs(rows[:, 1:] - rows[:, :-1])
    middle = steps[:, 1:-1]
    share = ((middle > steps[:, :-2]) & (middle > steps[:, 2:])).mean(axis=0)
    edges = share[_GRID - 2 :: _GRID]
    whole = share[: len(share) // _GRID * _GRID].reshape(-1, _GRID)
    return float(edges.mean() - whole[:, : _GRID - 3].mean())


def grid_levels(rows: NDArray[np.float32]) -> float:
    """Return the error in levels of 8 bits that a visible grid tells of; 0 for none."""
    return max(0.0, blocking(rows) - _CLEAN) * _LEVELS
