"""Traces of an 8x8 grid in a picture: what an earlier encode left, whatever holds it now."""

from __future__ import annotations

import numpy as np

from vidsr.video.coding.activity import Differences

_GRID = 8
# Clean pictures (seven clips shrunk four times) show -0.1 to 0.01; MPEG-2 and MPEG-4 of
# quantisers 8 and up 0.1 to 0.5, JPEG 0.27 to 0.5. What lies below counts as clean; codecs that
# filter their blocks' edges (H.264 and later) stay below as well.
_CLEAN = 0.1
# Levels for each unit above, as those clips had with JPEG; with MPEG they had more, so that rather
# too little is said.
_LEVELS = 20.0


def blocking(steps: Differences) -> float:
    """Return how much more often a difference of neighbours stands out at block edges than inside.

    A share of samples, at most 1: that of the edge at a quarter of all edges against that of the
    column in the middle of all others. A difference stands out where it is larger than both beside
    it. Neither single strong edges nor a few regular ones raise it, as they would a mean.

    Args:
        steps: Differences of horizontal neighbours in some rows, ``[n, w - 1]``.
    """
    rows, columns = steps.shape
    if columns < 4 * _GRID or not rows:
        return 0.0
    # Column by column, which is quick and all that counts.
    turned = np.ascontiguousarray(steps.T)
    middle = turned[1:-1]
    stands_out = np.greater(middle, turned[:-2]) & np.greater(middle, turned[2:])
    share = np.count_nonzero(stands_out, axis=1) / rows
    whole = share[: len(share) // _GRID * _GRID].reshape(-1, _GRID)
    edges, inside = np.sort(share[_GRID - 2 :: _GRID]), np.median(whole[:, : _GRID - 3])
    return float(edges[len(edges) // 4] - inside)


def grid_levels(steps: Differences) -> float:
    """Return the error in levels of 8 bits that a visible grid tells of; 0 for none."""
    return max(0.0, blocking(steps) - _CLEAN) * _LEVELS
