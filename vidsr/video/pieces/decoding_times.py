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


class DecodingTimes:
    """Decoding times of frames that come piece by piece; each piece is counted once.

    ``times`` holds those of all frames so far, in decoding order.
    """

    def __init__(self) -> None:
        self.times: list[int] = []
        self._shown: list[int] = []
        self._order: list[int] = []
        self._depth = 0

    def add(self, shown: Sequence[int]) -> int:
        """Add frames in decoding order, by their times of showing.

        A piece that is shown after all before it, and looks no further ahead, moves nothing.

        Returns:
            How many of the times before stay as they were, counted from the first.

        Raises:
            ValueError: Two frames are shown at the same time.
        """
        before, count, order = self.times, len(self.times), sorted(shown)
        follows = not (order and self._order) or order[0] > self._order[-1]
        self._shown += shown
        self._order += order
        if not follows:
            self._order.sort()
            order, shown = self._order, self._shown
        if any(a == b for a, b in pairwise(order)):
            raise ValueError("expected frames at different times, got two at the same")
        depth = _depth(order, shown)
        if follows and depth <= self._depth < count:
            self.times += self._order[count - self._depth : len(self._order) - self._depth]
            return count
        self._depth = max(depth, self._depth) if follows else depth
        self.times = _counted(self._order, self._depth)
        both = enumerate(zip(before, self.times, strict=False))
        return next((place for place, (a, b) in both if a != b), count)


def decoding_times(times: Sequence[int]) -> list[int]:
    """Return decoding times for frames in decoding order whose times of showing are ``times``.

    Raises ValueError where two frames are shown at the same time.
    """
    counted = DecodingTimes()
    counted.add(times)
    return counted.times


def _depth(order: Sequence[int], shown: Sequence[int]) -> int:
    """Return the most places by which one of the frames is coded before its turn."""
    rank = {pts: place for place, pts in enumerate(order)}
    return max((place - rank[pts] for place, pts in enumerate(shown)), default=0)


def _counted(order: Sequence[int], depth: int) -> list[int]:
    if not order:
        return []
    first = order[0] - order[min(depth, len(order) - 1)]
    before = [first + order[place] for place in range(min(depth, len(order)))]
    return [*before, *order[: len(order) - depth]]
