"""Key points of every codec: may decoding begin at a packet and show what it shows from the start?

A container's key flag is a promise of whoever wrote it. Recovery points of an intra refresh,
gradual refresh in P pictures and resilient inter frames all carry it and build on what was before.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from av.video.stream import VideoStream

from vidsr.video.items import Packet
from vidsr.video.key_points.nal_units import h264_begins, hevc_begins, vvc_begins
from vidsr.video.key_points.picture_headers import (
    av1_begins,
    mpeg2_begins,
    mpeg4_begins,
    vp8_begins,
    vp9_begins,
)

_BEGINS: dict[str, Callable[[bytes, bytes], bool]] = {
    "av1": av1_begins,
    "h264": h264_begins,
    "hevc": hevc_begins,
    "mpeg1video": mpeg2_begins,
    "mpeg2video": mpeg2_begins,
    "mpeg4": mpeg4_begins,
    "vp8": vp8_begins,
    "vp9": vp9_begins,
    "vvc": vvc_begins,
}


@dataclass(frozen=True)
class KeyPoints:
    """The question for one stream whether a key packet is one to begin at.

    Args:
        codec: FFmpeg's name of the coding.
        extradata: What the container holds of the stream's headers.
        intra_only: True where no picture builds on another.
    """

    codec: str
    extradata: bytes
    intra_only: bool

    @classmethod
    def of(cls, stream: VideoStream) -> KeyPoints:
        """Return the question for a stream that has a decoder."""
        context = stream.codec_context
        codec = context.codec
        return cls(codec.canonical_name, bytes(context.extradata or b""), codec.intra_only)

    @property
    def by_decoder(self) -> bool:
        """True where only the decoder can tell: the first picture it gives is to be a key frame."""
        return not self.intra_only and self.codec not in _BEGINS

    def may_begin(self, packet: Packet) -> bool:
        """Return True if the packet's bits do not speak against it."""
        begins = _BEGINS.get(self.codec)
        return self.intra_only or begins is None or begins(bytes(packet), self.extradata)
