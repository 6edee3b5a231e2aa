"""Looks at the pictures of one stream: few of them, held for many pictures and faded."""

from __future__ import annotations

from vidsr.video.coding.blind.estimate import NOTHING, Look
from vidsr.video.coding.packet_log import FADED
from vidsr.video.coding.steady_levels import HELD


class HeldLooks:
    """What luma tells of each picture of a stream, found at key frames and each 48th after them.

    A look depends on pictures back to a key frame, and so is the same wherever decoding starts.
    """

    def __init__(self) -> None:
        self._pictures = -1
        self._before = self._last = NOTHING

    def picture(self, *, key: bool) -> None:
        """Note the next picture."""
        self._pictures = 0 if key else self._pictures + 1
        if key:
            self._before = self._last = NOTHING

    @property
    def is_due(self) -> bool:
        """True if the picture noted last is to be looked at."""
        return self._pictures % HELD == 0

    def found(self, seen: Look) -> None:
        """Note what the picture noted last tells."""
        self._before = self._last if self._pictures else seen
        self._last = seen

    @property
    def now(self) -> Look:
        """What is told of the picture noted last."""
        share = min(1.0, (self._pictures % HELD + 1) / (FADED + 1))
        old, new = self._before, self._last
        return Look(
            old.least + share * (new.least - old.least),
            old.likely + share * (new.likely - old.likely),
        )
