"""Decoding times of joined pieces, which the times of showing tell.

Each encoder counts back from its own first frame, so that the decoding times of two pieces may
overlap. With ``order`` the times of showing in their order, and ``depth`` the most places by which
a frame is coded before its turn,

    dts(i) = order(i - depth)                              for i >= depth
    dts(i) = order(0) - (order(depth) - order(i))          before

grows strictly and never exceeds the time of showing.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise


def decoding_times(times: Sequence[int]) -> list[int]:
    """Return decoding times for frames in decoding order whose times of showing are ``times``.

    Raises ValueError where two frames are shown at the same time.
    """
    order = sorted(times)
    if any(a == b for a, b in pairwise(order)):
        raise ValueError("expected frames at different times, got two at the same")
    rank = {pts: place for place, pts in enumerate(order)}
    depth = max((place - rank[pts] for place, pts in enumerate(times)), default=0)
    if not order:
        return []
    first = order[0] - order[min(depth, len(order) - 1)]
    before = [first + order[place] for place in range(min(depth, len(order)))]
    return before + order[: len(order) - depth]
