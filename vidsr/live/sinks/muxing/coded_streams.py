"""Streams of a container that take coded packets, described by parameters alone.

PyAV copies parameters from a stream of a file that is open, and opens the encoder of any other
stream. A stream that was copied from one of a container which writes nothing has an encoder that
is never opened, and takes the parameters that are set on it: 0.1 ms, and the header is the one
that a copied file would have got, parameter sets and colour included.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from typing import Any

import av
from av.bitstream import BitStreamFilterContext
from av.container import OutputContainer
from av.stream import Stream

from vidsr.live.base.formats import SoundFormat
from vidsr.live.base.items import TIME_BASE
from vidsr.live.sinks.muxing.mux_format import MuxFormat

# Encoders by the names of their codecs, where the two differ.
_ENCODERS = {
    "h264": "libx264",
    "hevc": "libx265",
    "av1": "libsvtav1",
    "opus": "libopus",
    "mp3": "libmp3lame",
}


def add_video(target: OutputContainer, format: MuxFormat) -> Stream:
    """Add the video to a container that is not open yet. Raises ValueError where it takes none."""
    with _scratch(format.codec, format.rate) as template:
        stream: Any = target.add_stream_from_template(template, opaque=True)
    context = stream.codec_context
    context.width, context.height = format.width, format.height
    context.pix_fmt = format.pixel_format
    context.colorspace, context.color_range = format.color[:2]
    context.color_primaries, context.color_trc = format.color[2:]
    context.sample_aspect_ratio, context.framerate = format.aspect, format.rate
    if format.extradata:
        context.extradata = format.extradata
    stream.time_base = TIME_BASE
    return stream  # type: ignore[no-any-return]


def add_sound(target: OutputContainer, sound: SoundFormat) -> Stream:
    """Add the sound to a container that is not open yet. Raises ValueError where it takes none."""
    with _scratch(sound.codec, sound.rate_hz) as template:
        try:
            stream: Any = target.add_stream_from_template(template, opaque=True)
        except ValueError:
            return _add_unlisted(target, template, sound)
    _describe(stream, sound)
    stream.time_base = TIME_BASE
    return stream  # type: ignore[no-any-return]


def _describe(stream: Any, sound: SoundFormat) -> None:
    context = stream.codec_context
    context.layout, context.sample_rate = sound.layout, sound.rate_hz
    if sound.bit_rate:
        context.bit_rate = sound.bit_rate
    if sound.extradata:
        context.extradata = sound.extradata


def _add_unlisted(target: OutputContainer, template: Stream, sound: SoundFormat) -> Stream:
    """Add sound that Matroska takes and does not list, G.711 for one: see ``copies.add_copy``."""
    with av.open(io.BytesIO(), "w", format="null") as scratch:
        described: Any = scratch.add_stream_from_template(template, opaque=True)
        _describe(described, sound)
        scratch.start_encoding()
        stream: Any = target.add_data_stream()
        BitStreamFilterContext("null", described, stream)
    stream.time_base = TIME_BASE
    return stream  # type: ignore[no-any-return]


@contextmanager
def _scratch(codec: str, rate: Fraction | int) -> Iterator[Stream]:
    """Yield a stream of a container that writes nothing, with the codec's kind and number."""
    with av.open(io.BytesIO(), "w", format="null") as scratch:
        stream: Any = scratch.add_stream(_ENCODERS.get(codec, codec), rate=rate)
        yield stream


def make_packet(data: bytes, stream: Stream, pts: int, dts: int) -> av.Packet[Any]:
    """Return a packet of a stream, in units of ``TIME_BASE``."""
    packet: av.Packet[Any] = av.Packet(data)
    packet.stream, packet.time_base = stream, TIME_BASE
    packet.pts, packet.dts = pts, dts
    return packet
