"""Transport streams whose clock starts again: concatenated recordings, a broadcaster's reset."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import av

MAY_JUMP = 0x0200  # AVFMT_TS_DISCONT
# Timestamps jitter by a few frames; a clock that starts again goes back further.
BACKWARD_S = 1


class Jumps:
    """The mending of jumps: what follows moves onto the clock before, all streams by one offset.

    The first stream to jump sets the offset, so that the new part starts where that stream's old
    part ended; the others take the same one as they jump, and stay in step with it.
    """

    def __init__(self, enabled: bool) -> None:
        self.enabled = enabled
        self.count = 0
        self._offset = Fraction(0)
        self._applied: dict[int, Fraction] = {}
        self._next: dict[int, Fraction] = {}

    def mend(self, packet: av.Packet[Any]) -> None:
        """Shift the packet's times where its stream has jumped."""
        base, index = packet.time_base, packet.stream.index
        if not self.enabled or packet.dts is None or not base:
            return
        time, expected = packet.dts * base, self._next.get(index)
        offset = self._applied.get(index, Fraction(0))
        if expected is not None and time + offset < expected - BACKWARD_S:
            if abs(time + self._offset - expected) > BACKWARD_S:
                self._offset = expected - time
                self.count += 1
            offset = self._applied[index] = self._offset
        shift = round(offset / base)
        packet.dts += shift
        packet.pts = None if packet.pts is None else packet.pts + shift
        self._next[index] = (packet.dts + (packet.duration or 0)) * base
