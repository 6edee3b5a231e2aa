"""The packets that wait for a sink: few, and of no use to a decoder unless a key frame leads."""

from __future__ import annotations

import threading
from collections import deque

from vidsr.live.base.items import CLOCK_HZ, CodedPacket

LIMIT_S = 2.0
LIMIT_BYTES = 64 << 20
# Two requests for a key frame of one queue are at least so far apart, by the packets' times.
ASK_AGAIN_S = 0.5


class PacketQueue:
    """A bounded queue between the encoder's thread and the thread of one sink.

    What comes before a key frame is dropped, after the beginning and after every gap. A queue that
    is full is emptied: a reader that was away sees the present and not two seconds ago.

    Args:
        limit_s: Longest time between the oldest and the newest packet of video.
        limit_bytes: Most bytes that wait.
    """

    def __init__(self, limit_s: float = LIMIT_S, limit_bytes: int = LIMIT_BYTES) -> None:
        self._limit, self._limit_bytes = round(limit_s * CLOCK_HZ), limit_bytes
        self._packets: deque[CodedPacket] = deque()
        self._ready = threading.Condition()
        self._bytes = 0
        self._closed = self._paused = False
        self._needs_key = True
        self._asked_at: int | None = None

    def put(self, packet: CodedPacket) -> tuple[int, bool]:
        """Add a packet.

        Returns:
            The packets of video that were dropped, and True where a key frame should be asked for.
        """
        with self._ready:
            dropped = 0
            if self._paused:
                return int(packet.kind == "video"), False
            if self._is_full(packet):
                dropped = self._empty()
            if self._needs_key and not (packet.kind == "video" and packet.key):
                return dropped + (packet.kind == "video"), self._ask(packet.dts)
            if packet.kind == "video":
                self._needs_key, self._asked_at = False, None
            self._packets.append(packet)
            self._bytes += len(packet.data)
            self._ready.notify()
            return dropped, dropped > 0

    def get(self, timeout_s: float) -> CodedPacket | None:
        """Take the oldest packet; None where none came in time, or none will come."""
        with self._ready:
            if not self._packets and not self._closed:
                self._ready.wait(timeout_s)
            if not self._packets:
                return None
            packet = self._packets.popleft()
            self._bytes -= len(packet.data)
            return packet

    def pause(self) -> int:
        """Drop everything until ``resume``; return the packets of video dropped now."""
        with self._ready:
            self._paused = True
            return self._empty()

    def resume(self) -> bool:
        """Take packets again, from a key frame on. Return True if none were taken before."""
        with self._ready:
            paused, self._paused = self._paused, False
            return paused

    def close(self) -> None:
        """Take nothing more; what is there can still be had."""
        with self._ready:
            self._closed = True
            self._ready.notify_all()

    @property
    def closed(self) -> bool:
        """True once ``close`` was called."""
        return self._closed

    def __len__(self) -> int:
        return len(self._packets)

    def _is_full(self, packet: CodedPacket) -> bool:
        if not self._packets:
            return False
        oldest = next((p for p in self._packets if p.kind == "video"), self._packets[0])
        late = packet.dts - oldest.dts > self._limit
        return late or self._bytes + len(packet.data) > self._limit_bytes

    def _empty(self) -> int:
        dropped = sum(packet.kind == "video" for packet in self._packets)
        self._packets.clear()
        self._bytes = 0
        self._needs_key, self._asked_at = True, None
        return dropped

    def _ask(self, dts: int) -> bool:
        if self._asked_at is not None and 0 <= dts - self._asked_at < ASK_AGAIN_S * CLOCK_HZ:
            return False
        self._asked_at = dts
        return True
