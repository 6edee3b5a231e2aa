"""What a packet says of its picture, kept until a decoder gives the picture."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import av

from vidsr.video.coding.codecs import Family, family_of
from vidsr.video.coding.expected_error import CURVES, TYPICAL_ACTIVITY, Evidence
from vidsr.video.coding.headers.av1 import Av1Headers
from vidsr.video.coding.headers.h264 import H264Headers
from vidsr.video.coding.headers.hevc import HevcHeaders
from vidsr.video.coding.headers.jpeg import JpegHeaders
from vidsr.video.coding.headers.mpeg import MpegHeaders
from vidsr.video.coding.headers.vp8 import Vp8Headers
from vidsr.video.coding.headers.vp9 import Vp9Headers
from vidsr.video.coding.packet_log import LEAST_AHEAD, PacketLog, PacketNote, held_bytes
from vidsr.video.coding.steady_levels import log_levels
from vidsr.video.items import Packet

# Decoders hold back fewer pictures; of packets that never give one, the oldest are forgotten.
_HELD = 256
# Numbers of packets without a time begin here, below any real time. Such packets come out of raw
# streams, and between those with times out of MPEG program streams.
_FIRST_NUMBER = -(1 << 62)
# FFmpeg exports the quantisers of every block: headers, which name fewer, tell how they change.
_EXPORTED = frozenset({"vp9", "mpeg"})


@dataclass(frozen=True)
class PacketFacts:
    """What the packet of a picture says.

    Attributes:
        key: True if decoding can start at it.
        key_bytes: Size of the last key frame's packet, which may be this one. It tells more than
            the sizes of the others, which follow the motion.
        step: Step that its headers or tables name, None where they were not read.
        number: Its place among the packets of pictures.
    """

    key: bool
    key_bytes: int
    step: float | None
    number: int


class Headers(Protocol):
    """A reader of steps out of the headers of one stream's packets, in decoding order.

    Attributes:
        bidirectional: True if the picture whose step was read last is a B picture.
    """

    bidirectional: bool

    def step(self, data: bytes) -> float | None:
        """Return the step of the picture that a packet shows; None where it cannot be told."""
        ...


# Readers that need nothing from the container.
_READERS: dict[Family, Callable[[], Headers]] = {
    "vp8": Vp8Headers,
    "vp9": Vp9Headers,
    "jpeg": JpegHeaders,
}


def headers_of(decoder: str, extradata: bytes | None) -> Headers | None:
    """Return the reader of the headers that a decoder's packets have, None where none is known."""
    family = family_of(decoder)
    if family == "h264":
        return H264Headers(extradata)
    if family == "hevc":
        return HevcHeaders(extradata)
    if family == "av1":
        return Av1Headers(extradata)
    if decoder in ("mpeg1video", "mpeg2video"):
        return MpegHeaders()
    return _READERS[family]() if family in _READERS else None


class Packets:
    """Facts of packets by their times: decoders with threads give pictures some packets late.

    A packet without a time is numbered in its place. A decoder hands the number on to the picture
    of that packet, whatever their order, and decodes no differently for it.

    Attributes:
        log: What the headers say, of packets that are not yet decoded as well.

    Args:
        family: The codec's family.
        headers: What reads steps, None where nothing does.
    """

    def __init__(self, family: Family, headers: Headers | None) -> None:
        self._family, self._headers = family, headers
        self.log = PacketLog()
        # Some are never decoded, such as those before a key frame: they are forgotten.
        self._ahead: deque[tuple[Packet, PacketNote]] = deque(maxlen=LEAST_AHEAD + 2)
        self._between = 0
        self._facts: dict[int, PacketFacts] = {}
        self._key_bytes = 0
        self._number = _FIRST_NUMBER

    def see(self, packet: Packet) -> None:
        """Note a packet that is read; ``add`` follows where it is decoded."""
        note = self._note(packet)
        self.log.add(note)
        self._ahead.append((packet, note))

    def see_other(self, packet: Packet) -> None:
        """Note a packet of another stream that is read: it lies between two of the video."""
        self._between += held_bytes(packet.size, of_video=False)

    def add(self, packet: Packet) -> None:
        """Note a packet before it is decoded; number it if it has no presentation time."""
        if not packet.size:
            return
        note = self._seen(packet)
        if packet.is_keyframe or not self._key_bytes:
            self._key_bytes = packet.size
        if packet.pts is None:
            packet.pts = self._number
            self._number += 1
        step = None if self._family in _EXPORTED else note.step
        facts = PacketFacts(packet.is_keyframe, self._key_bytes, step, note.number)
        self._facts[packet.pts] = facts
        if len(self._facts) > _HELD:
            del self._facts[next(iter(self._facts))]

    def _seen(self, packet: Packet) -> PacketNote:
        """Return the note of a packet; those seen before it are never decoded."""
        while self._ahead:
            seen, note = self._ahead.popleft()
            if seen is packet:
                return note
        self.see(packet)
        return self._ahead.popleft()[1]

    def _note(self, packet: Packet) -> PacketNote:
        step = self._headers.step(bytes(packet)) if self._headers else None
        known, key = None, packet.is_keyframe
        if step is not None and self._headers and self._family in CURVES:
            flags = key, self._headers.bidirectional
            known = log_levels(Evidence(self._family, step, step, TYPICAL_ACTIVITY, *flags))
        between, self._between = self._between, 0
        return PacketNote(self.log.next_number, key, packet.size, step, known, between)

    def take(self, image: av.VideoFrame) -> PacketFacts | None:
        """Return the facts of a decoded picture's packet, None where they are not known.

        A number leaves the picture, which has no time again.
        """
        time = image.dts if image.pts is None else image.pts
        if image.pts is not None and _FIRST_NUMBER <= image.pts < self._number:
            image.pts = None
        return None if time is None else self._facts.pop(time, None)
