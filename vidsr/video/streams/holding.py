"""Trials of what a container holds: a header is written, and read back where headers prove little.

FFmpeg writes nearly anything into a transport stream, and much of it comes back as data.
"""

from __future__ import annotations

import contextlib
import io
from collections.abc import Mapping
from fractions import Fraction
from itertools import islice
from typing import Any

import av
from av.audio.stream import AudioStream
from av.container import OutputContainer
from av.stream import Stream

from vidsr.video.close_codecs import reading
from vidsr.video.header import SideStream
from vidsr.video.streams.copies import MUX_ERRORS, add_copy

UNPROVEN = ("mpegts", "avi", "mxf", "nut")  # whose muxers write what their demuxers do not know
NOTHING_ELSE = ("image2", "gif", "apng", "webp", "avif", "yuv4mpegpipe", "rawvideo")
MXF_RATE = 48_000
SAMPLE_PACKETS, LOOKED_AT_PACKETS = 48, 4000
# Pairs that share a number in containers and a decoder.
_SAME = ({"mp2", "mp3"}, {"mpeg1video", "mpeg2video"})
_BEGINNING = b"\0\0\1\xb3" + bytes(20)  # of an MPEG-2 picture, which no muxer looks into


def fits(container: str, stream: SideStream, options: Mapping[str, str] | None = None) -> bool:
    """Return True if a copy of the stream comes out of the container as what it is.

    ``options`` are those of the muxer.
    """
    if container in NOTHING_ELSE or stream.template is None:
        return False
    if container == "mxf":  # whose muxer looks into the pictures first
        return stream.codec in ("pcm_s16le", "pcm_s24le") and _rate(stream.template) == MXF_RATE
    written = _write(container, stream.template, dict(options or {}), [])
    if written is None:
        return False
    proven = container not in UNPROVEN and stream.kind != "data" and not has_no_decoder(stream)
    # AVI refuses H.264 behind lengths, though only when it comes.
    moving = stream.kind == "video" and not stream.cover and container in UNPROVEN
    if proven or (not moving and _is_read(written, container, stream)):
        return True
    # Some is known by its content alone: DTS, LATM. MP4 leaves a track without packets out.
    packets = _sample(stream) if moving or stream.kind in ("audio", "data") else []
    again = _write(container, stream.template, dict(options or {}), packets) if packets else None
    return again is not None and _is_read(again, container, stream)


def has_no_decoder(stream: SideStream) -> bool:
    """Return True for sound or subtitles that FFmpeg cannot decode, and PyAV therefore not name."""
    context: object = getattr(stream.template, "codec_context", None)
    return stream.kind in ("audio", "subtitle") and context is None


def _rate(stream: Stream) -> int:
    return stream.codec_context.sample_rate if isinstance(stream, AudioStream) else 0


def has_decoder(codec: str) -> bool:
    """Return True if this FFmpeg decodes what it calls by that name."""
    try:
        return av.Codec(codec, "r").is_decoder
    except ValueError:
        return False


def same_codec(first: str, second: str) -> bool:
    """Return True for one codec, or two that a container cannot tell apart."""
    return first == second or {first, second} in _SAME


def _write(
    container: str, template: Stream, options: dict[str, str], packets: list[av.Packet[Any]]
) -> bytes | None:
    """Return a file with a copy of the stream beside a video, None where the muxer refuses."""
    file = io.BytesIO()
    probe = av.open(file, "w", format=container, options=options)
    try:
        beside = container in UNPROVEN and _add_video(probe, container)
        copy = add_copy(probe, template)
        probe.start_encoding()
        if beside:
            _mux_beginning(probe, beside)
        for packet in packets:
            packet.stream = copy
            probe.mux_one(packet)
        probe.close()
    except MUX_ERRORS:
        return None
    finally:
        with contextlib.suppress(*MUX_ERRORS):
            probe.close()
    return file.getvalue()


def _add_video(probe: OutputContainer, container: str) -> Stream:
    stream = probe.add_mux_stream("mpeg2video", rate=25, width=64, height=64)
    stream.time_base = Fraction(1, 25)
    return stream


def _mux_beginning(probe: OutputContainer, video: Stream) -> None:
    packet: av.Packet[Any] = av.Packet(_BEGINNING)
    packet.stream, packet.time_base = video, video.time_base or Fraction(1, 25)
    packet.pts = packet.dts = 0
    packet.is_keyframe = True
    probe.mux_one(packet)


def _is_read(written: bytes, container: str, stream: SideStream) -> bool:
    try:
        file = av.open(io.BytesIO(written), "r", format=container)
    except (av.error.FFmpegError, ValueError, OSError):
        return False
    with reading(file):
        kinds = [(s.type, codec_of(s)) for s in file.streams]
    wanted = "none" if has_no_decoder(stream) else stream.codec
    return any(kind == stream.kind and same_codec(codec, wanted) for kind, codec in kinds)


def codec_of(stream: Stream) -> str:
    """Return FFmpeg's name of a stream's codec, ``none`` where it knows none."""
    context: Any = getattr(stream, "codec_context", None)
    if context is None:
        return str(getattr(stream, "name", None) or "none")
    return str(context.codec.canonical_name)


def _sample(stream: SideStream) -> list[av.Packet[Any]]:
    """Return the stream's first packets out of its file, none where that cannot be read again."""
    if stream.open_again is None:
        return []
    try:
        with reading(stream.open_again()) as file:
            packets = islice(file.demux(), LOOKED_AT_PACKETS)
            ours = (p for p in packets if p.stream.index == stream.index)
            return list(islice((p for p in ours if p.size and p.dts is not None), SAMPLE_PACKETS))
    except (av.error.FFmpegError, ValueError, OSError, IndexError):
        return []
