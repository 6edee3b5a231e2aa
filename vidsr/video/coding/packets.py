"""What a packet says of its picture, kept until a decoder gives the picture."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import av

from vidsr.video.coding.codecs import Family
from vidsr.video.coding.headers.av1 import Av1Headers
from vidsr.video.coding.headers.h264 import H264Headers
from vidsr.video.coding.headers.hevc import HevcHeaders
from vidsr.video.coding.headers.jpeg import JpegHeaders
from vidsr.video.coding.headers.vp8 import Vp8Headers
from vidsr.video.items import Packet

# Decoders hold back fewer pictures; of packets that never give one, the oldest are forgotten.
_HELD = 256
# Numbers of packets without a time begin here, below any real time. Such packets come out of raw
# streams, and between those with times out of MPEG program streams.
_FIRST_NUMBER = -(1 << 62)


@dataclass(frozen=True)
class PacketFacts:
    """What the packet of a picture says.

    Attributes:
        key: True if decoding can start at it.
        key_bytes: Size of the last key frame's packet, which may be this one. It tells more than
            the sizes of the others, which follow the motion.
        step: Step that its headers or tables name, None where they were not read.
    """

    key: bool
    key_bytes: int
    step: float | None


class Headers(Protocol):
    """A reader of steps out of the headers of one stream's packets, in decoding order."""

    def step(self, data: bytes) -> float | None:
        """Return the step of the picture that a packet shows; None where it cannot be told."""
        ...


def headers_of(family: Family, extradata: bytes | None) -> Headers | None:
    """Return the reader of a family's headers, None where FFmpeg reads them or nothing does."""
    if family == "h264":
        return H264Headers(extradata)
    if family == "hevc":
        return HevcHeaders(extradata)
    if family == "av1":
        return Av1Headers(extradata)
    if family == "vp8":
        return Vp8Headers()
    return JpegHeaders() if family == "jpeg" else None


class Packets:
    """Facts of packets by their times: decoders with threads give pictures some packets late.

    A packet without a time is numbered in its place. A decoder hands the number on to the picture
    of that packet, whatever their order, and decodes no differently for it.
    """

    def __init__(self, headers: Headers | None) -> None:
        self._headers = headers
        self._facts: dict[int, PacketFacts] = {}
        self._key_bytes = 0
        self._number = _FIRST_NUMBER

    def add(self, packet: Packet) -> None:
        """Note a packet before it is decoded; number it if it has no presentation time."""
        if not packet.size:
            return
        if packet.is_keyframe or not self._key_bytes:
            self._key_bytes = packet.size
        step = self._headers.step(bytes(packet)) if self._headers else None
        if packet.pts is None:
            packet.pts = self._number
            self._number += 1
        self._facts[packet.pts] = PacketFacts(packet.is_keyframe, self._key_bytes, step)
        if len(self._facts) > _HELD:
            del self._facts[next(iter(self._facts))]

    def take(self, image: av.VideoFrame) -> PacketFacts | None:
        """Return the facts of a decoded picture's packet, None where they are not known.

        A number leaves the picture, which has no time again.
        """
        time = image.dts if image.pts is None else image.pts
        if image.pts is not None and _FIRST_NUMBER <= image.pts < self._number:
            image.pts = None
        return None if time is None else self._facts.pop(time, None)
