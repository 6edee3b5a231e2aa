"""Sound that waits for its picture, so that both leave in step."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator

from vidsr.live.base.items import CLOCK_HZ, CodedPacket

LONGEST_S = 5.0  # of sound that waits; more is given up from its old end
ALONE_S = 1.0  # without a picture, after which sound goes on by itself


class SoundDelay:
    """Packets of sound, held until the picture of their time has been shown."""

    def __init__(self) -> None:
        self._packets: deque[CodedPacket] = deque()
        self._reached: int | None = None  # the newest time that pictures have come to
        self._shown_s = 0.0

    def add(self, packet: CodedPacket) -> None:
        """Take a packet from the source."""
        self._packets.append(packet)
        while packet.pts - self._packets[0].pts > LONGEST_S * CLOCK_HZ:
            self._packets.popleft()

    def pictures_reached(self, pts: int, now_s: float) -> None:
        """Take note that a picture of the source's time ``pts`` has been shown."""
        self._reached, self._shown_s = pts, now_s

    def due(self, now_s: float) -> Iterator[CodedPacket]:
        """Yield the packets whose time has come; before the first picture there are none."""
        if self._reached is None:
            return
        waited_s = now_s - self._shown_s
        alone = self._reached + round(waited_s * CLOCK_HZ) if waited_s > ALONE_S else self._reached
        while self._packets and self._packets[0].pts <= alone:
            yield self._packets.popleft()

    def rest(self) -> Iterator[CodedPacket]:
        """Yield what still waits, at the end of a stream."""
        while self._packets:
            yield self._packets.popleft()

    def forget(self) -> None:
        """Give up what waits, where its format has changed."""
        self._packets.clear()
