"""Coded packets in containers without a file to copy from: header, colour, times."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from fractions import Fraction
from typing import Any, Literal

import av
import pytest

from tests.live.sinks.feeding import FIRST_PTS, RATE, STEP, numbered
from tests.makers.counter import read
from vidsr.live.base.formats import SoundFormat
from vidsr.live.base.items import CodedPacket
from vidsr.live.base.options import EncoderOptions
from vidsr.live.sinks.encoding.encoder import LiveEncoder
from vidsr.live.sinks.muxing.mux_format import MuxFormat
from vidsr.live.sinks.muxing.muxer import Muxer

Codec = Literal["h264", "hevc", "av1", "mjpeg"]
FRAGMENTED = {"movflags": "frag_keyframe+empty_moov+default_base_moof"}


def coded(codec: Codec, count: int = 10) -> tuple[MuxFormat, list[CodedPacket]]:
    encoder = LiveEncoder(
        EncoderOptions(codec=codec), rate=RATE, sample_aspect_ratio=Fraction(4, 3)
    )
    packets = [packet for number in range(count) for packet in encoder.encode(numbered(number))]
    encoder.close()
    assert encoder.format is not None
    return MuxFormat.of(encoder.format), packets


@pytest.mark.parametrize(
    ("container", "codecs"),
    [
        ("nut", ("h264", "hevc", "av1", "mjpeg")),
        ("matroska", ("h264", "hevc", "av1", "mjpeg")),
        ("mp4", ("h264", "hevc", "av1")),
        ("mpegts", ("h264", "hevc")),
        ("flv", ("h264", "hevc", "av1")),
    ],
)
def test_packets_come_out_as_they_went_in(container: str, codecs: tuple[Codec, ...]) -> None:
    for codec in codecs:
        format, packets = coded(codec)
        file = io.BytesIO()
        muxer = Muxer(file, container, format, FRAGMENTED if container == "mp4" else {})
        for packet in packets:
            muxer.write(packet)
        assert (muxer.packets, muxer.size_bytes) == (10, sum(len(p.data) for p in packets))
        muxer.close()
        muxer.close()
        with av.open(io.BytesIO(file.getvalue()), "r") as found:
            images: list[Any] = list(found.decode(video=0))
            base = found.streams.video[0].time_base
        assert [read(image.to_ndarray(format="gray")) for image in images] == list(range(10))
        assert [int(image.color_primaries) for image in images[:1]] in (
            [1],
            [6 if codec == "mjpeg" else 1],
            [2],
        )
        seconds = [float(image.pts * base) for image in images]
        assert seconds[-1] - seconds[0] == pytest.approx(9 / 25, abs=0.002)
        if container in ("nut", "matroska"):
            assert seconds[0] == pytest.approx(FIRST_PTS / 90_000, abs=0.001)
        if container == "flv":
            assert seconds[0] == pytest.approx(0, abs=0.05)


def test_a_format_passes_through_a_pipe_as_text() -> None:
    format, _ = coded("h264", 1)
    format = replace(format, sound=SoundFormat("aac", 48_000, "stereo", b"\x11\x90", 128_000))
    assert MuxFormat.from_json(json.loads(json.dumps(format.to_json()))) == format
    silent = replace(format, sound=None)
    assert MuxFormat.from_json(silent.to_json()) == silent


def test_decoding_times_grow_where_a_container_counts_milliseconds() -> None:
    format, packets = coded("h264", 5)
    close = [replace(p, pts=FIRST_PTS + n, dts=FIRST_PTS + n) for n, p in enumerate(packets)]
    file = io.BytesIO()
    muxer = Muxer(file, "flv", format)
    for packet in close:
        muxer.write(packet)
    muxer.close()
    with av.open(io.BytesIO(file.getvalue()), "r") as found:
        times = [packet.dts for packet in found.demux() if packet.dts is not None]
    assert times == sorted(set(times))
    assert len(times) == 5


def test_a_stream_without_sound_is_passed_on_at_once() -> None:
    """What is declared and never comes costs one frame, and not ten seconds."""
    format, packets = coded("h264", 6)
    format = replace(format, sound=SoundFormat("aac", 48_000, "stereo", b"\x11\x90"))
    file = io.BytesIO()
    muxer = Muxer(file, "mpegts", format)
    sizes = []
    for packet in packets:
        muxer.write(packet)
        sizes.append(file.tell())
    assert sizes[2] > sizes[1] > 0
    assert sizes == sorted(set(sizes))
    muxer.close()


def test_sound_that_comes_first_holds_no_picture_back() -> None:
    format, packets = coded("h264", 6)
    format = replace(format, sound=SoundFormat("aac", 48_000, "stereo", b"\x11\x90"))
    file = io.BytesIO()
    muxer = Muxer(file, "mpegts", format)
    for packet in packets:
        at = packet.pts + STEP
        muxer.write(CodedPacket(b"\x21\x10\x04\x60\x8c\x1c", "sound", at, at, key=True))
        before = file.tell()
        muxer.write(packet)
        assert file.tell() > before
    muxer.close()
