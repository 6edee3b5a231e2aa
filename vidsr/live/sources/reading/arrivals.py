"""When the packet of each picture came, and when its camera made it, kept until it is decoded."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Any, Literal

import av

from vidsr.live.base.latency_sei import NAME, SEI_CODECS, read_clock

# Decoders without threads hold back fewer pictures than this.
_HELD = 64
_CLOCK = 8  # bytes behind the message's name
# What RTCP's sender report says of a packet: microseconds since the epoch.
_PRFT: Literal["prft"] = "prft"
_KEPT_APART = b"\0\0\3"


@dataclass(frozen=True)
class Moment:
    """The arrival of a picture's packet, and the sender's wall clock where it is told."""

    arrived_s: float
    sent_s: float | None = None


class Moments:
    """The moments of one stream's packets by their times.

    Args:
        codec: FFmpeg's name of the codec, whose packets may carry our message.
    """

    def __init__(self, codec: str) -> None:
        self._reads = codec in SEI_CODECS
        self._by_time: dict[int | None, Moment] = {}
        self._newest = Moment(0.0)

    def note(self, packet: av.Packet[Any], arrived_s: float) -> None:
        """Note a packet before it is decoded."""
        self._newest = Moment(arrived_s, self._sent_s(packet))
        self._by_time[packet.pts] = self._newest
        if len(self._by_time) > _HELD:
            del self._by_time[next(iter(self._by_time))]

    def take(self, pts: int | None) -> Moment:
        """Return the moment of a picture, that of the last packet where its own is not known."""
        return self._by_time.pop(pts, self._newest)

    def _sent_s(self, packet: av.Packet[Any]) -> float | None:
        if self._reads and (clock_ns := find_clock(bytes(packet))) is not None:
            return clock_ns / 1e9
        if packet.has_sidedata(_PRFT):
            (clock_us,) = struct.unpack_from("=q", bytes(packet.get_sidedata(_PRFT)))
            return float(clock_us) / 1e6
        return None


def find_clock(data: bytes) -> int | None:
    """Return the wall clock of our message inside a packet, in nanoseconds; None without one."""
    at = data.find(NAME.bytes)
    if at < 0:
        return None
    # A three was put behind two zeros, at most once in two bytes of the clock.
    message = data[at : at + len(NAME.bytes) + 2 * _CLOCK]
    return read_clock(message.replace(_KEPT_APART, b"\0\0"))
