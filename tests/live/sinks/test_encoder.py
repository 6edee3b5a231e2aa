"""The live encoder: a packet for each frame at once, key frames where they are asked for."""

from __future__ import annotations

import itertools
from dataclasses import replace
from fractions import Fraction
from typing import Any, Literal

import av
import pytest
import torch
from av.sidedata.sidedata import Type

from tests.live.sinks.feeding import COLOR, FIRST_PTS, RATE, STEP, YUV420, numbered
from tests.makers.counter import read
from vidsr.errors import OptionError
from vidsr.live.base.formats import CodedFormat
from vidsr.live.base.items import CodedPacket
from vidsr.live.base.latency_sei import clock_message, read_clock
from vidsr.live.base.options import EncoderOptions
from vidsr.live.sinks.encoding.encoder import LiveEncoder
from vidsr.live.sinks.encoding.settings import check_options, plan_encoder
from vidsr.picture.color import ColorSpec
from vidsr.picture.frame import Frame, VideoFormat
from vidsr.picture.pixel_format import PixelFormat
from vidsr.video.hdr import HdrMetadata
from vidsr.video.side_data import SideData

Codec = Literal["h264", "hevc", "av1", "mjpeg"]
CODECS: tuple[Codec, ...] = ("h264", "hevc", "av1", "mjpeg")


def encode(encoder: LiveEncoder, numbers: range) -> list[CodedPacket]:
    """Encode numbered pictures; each gives its packet before the next is put in."""
    packets = []
    for number in numbers:
        (packet,) = encoder.encode(numbered(number))
        packets.append(packet)
    return packets


def _format_after(encoder: LiveEncoder, numbers: range) -> CodedFormat:
    encode(encoder, numbers)
    assert encoder.format is not None
    return encoder.format


def decode(codec: str, packets: list[CodedPacket]) -> list[av.VideoFrame]:
    context: Any = av.CodecContext.create({"av1": "libdav1d"}.get(codec, codec), "r")
    context.thread_count = 1
    images: list[av.VideoFrame] = []
    for packet in packets:
        coded: av.Packet[Any] = av.Packet(packet.data)
        coded.pts, coded.dts, coded.time_base = packet.pts, packet.dts, Fraction(1, 90_000)
        images += context.decode(coded)
    images += context.decode(None)
    return images


@pytest.mark.parametrize("codec", CODECS)
def test_no_frame_is_held_back(codec: Codec) -> None:
    encoder = LiveEncoder(EncoderOptions(codec=codec), rate=RATE)
    packets = encode(encoder, range(12))
    assert [packet.pts for packet in packets] == [FIRST_PTS + n * STEP for n in range(12)]
    assert all(packet.dts == packet.pts and packet.duration == STEP for packet in packets)
    assert packets[0].key
    images = decode(codec, packets)
    assert [read(image.to_ndarray(format="gray")) for image in images] == list(range(12))
    encoder.close()
    encoder.close()


@pytest.mark.parametrize("codec", ["h264", "hevc", "av1"])
def test_key_frames_by_time_and_on_demand(codec: Codec) -> None:
    encoder = LiveEncoder(EncoderOptions(codec=codec, keyframe_s=0.4), rate=RATE)
    packets = encode(encoder, range(15))
    encoder.want_key_frame()
    packets += encode(encoder, range(15, 20))
    keys = [number for number, packet in enumerate(packets) if packet.key]
    assert keys == [0, 10, 15]
    # Decoding may begin at each of them.
    assert [read(i.to_ndarray(format="gray")) for i in decode(codec, packets[15:])] == [
        *range(15, 20)
    ]
    encoder.close()


def test_a_dropped_frame_delays_no_key_frame() -> None:
    encoder = LiveEncoder(EncoderOptions(keyframe_s=0.4), rate=RATE)
    packets = [p for n in range(0, 40, 4) for p in encoder.encode(numbered(n))]
    assert [packet.key for packet in packets[:6]] == [True, False, False, True, False, False]
    encoder.close()


@pytest.mark.parametrize("codec", ["h264", "hevc"])
def test_intra_refresh_makes_key_frames_on_demand_only(codec: Codec) -> None:
    options = EncoderOptions(codec=codec, keyframe_s=0.2, intra_refresh=True)
    encoder = LiveEncoder(options, rate=RATE)
    packets = encode(encoder, range(12))
    encoder.want_key_frame()
    packets += encode(encoder, range(12, 14))
    assert [n for n, packet in enumerate(packets) if packet.key][-1] == 12
    encoder.close()


def test_times_never_go_back() -> None:
    encoder = LiveEncoder(EncoderOptions(), rate=RATE)
    frames = [numbered(5), numbered(3), replace(numbered(4), pts=None), numbered(9)]
    times = [packet.dts for frame in frames for packet in encoder.encode(frame)]
    assert all(later > earlier for earlier, later in itertools.pairwise(times))
    encoder.close()


def test_the_format_tells_all_and_changes_between_two_frames() -> None:
    encoder = LiveEncoder(EncoderOptions(), rate=RATE, sample_aspect_ratio=Fraction(4, 3))
    first = _format_after(encoder, range(3))
    assert (first.codec, first.rate, first.sample_aspect_ratio) == ("h264", RATE, Fraction(4, 3))
    assert first.pictures == VideoFormat(160, 96, YUV420, COLOR)
    assert first.extradata.startswith((b"\0\0\1\x67", b"\0\0\0\1\x67"))
    assert _format_after(encoder, range(3, 5)) is first
    (packet,) = encoder.encode(numbered(5, (192, 128)))
    assert packet.key
    second = _format_after(encoder, range(0))
    assert second.pictures.width == 192
    assert second.extradata != first.extradata
    (image,) = decode("h264", [packet])
    assert (image.width, int(image.colorspace), int(image.color_primaries)) == (192, 1, 1)
    encoder.close()


@pytest.mark.parametrize("codec", ["h264", "hevc"])
def test_the_clock_comes_back_out_of_the_stream(codec: Codec) -> None:
    encoder = LiveEncoder(EncoderOptions(codec=codec, latency_sei=True), rate=RATE)
    clocks = [0, 1 << 8, 0x0000_0102_0003_0000, 2**63]
    packets = [
        packet
        for number, clock in enumerate(clocks)
        for packet in encoder.encode(numbered(number), clock_ns=clock)
    ]
    reader = SideData(frozenset({Type.SEI_UNREGISTERED}))
    found = []
    for image in decode(codec, packets):
        told = [read_clock(item.data) for item in reader.read(image)]
        found += [clock for clock in told if clock is not None]
    assert found == clocks
    encoder.close()


def test_a_message_of_others_is_no_clock() -> None:
    assert read_clock(b"\0" * 24) is None
    assert read_clock(b"") is None
    assert b"\0\0\1" not in clock_message("h264", 1)[4:]


def test_a_limit_of_the_rate_holds_for_few_frames() -> None:
    settings = plan_encoder(
        EncoderOptions(bitrate=1_000_000, maxrate=2_000_000, buffer_frames=2),
        VideoFormat(640, 360, YUV420, COLOR),
        RATE,
        HdrMetadata(),
    )
    assert settings.options["b"] == "1000000"
    assert settings.options["bufsize"] == str(2_000_000 * 2 // 25)
    assert "crf" not in settings.options


def test_hdr_stays_ten_bits_and_other_pictures_become_what_players_show() -> None:
    def coded(pixel: PixelFormat, color: ColorSpec, codec: Codec) -> PixelFormat:
        pictures = VideoFormat(64, 48, pixel, color)
        return plan_encoder(
            EncoderOptions(codec=codec), pictures, RATE, HdrMetadata()
        ).pictures.pixel

    deep, pq = (
        PixelFormat("yuv", 10, (2, 2)),
        ColorSpec(matrix=9, primaries=9, transfer=16, range=1),
    )
    assert coded(deep, pq, "h264") == deep
    assert coded(deep, COLOR, "hevc") == deep
    assert coded(deep, COLOR, "h264") == YUV420
    assert coded(PixelFormat("yuv", 8, (2, 1)), COLOR, "h264") == YUV420
    assert coded(PixelFormat("gray", 8), COLOR, "av1") == YUV420
    assert coded(PixelFormat("rgb", 8), ColorSpec(matrix=0, range=2), "mjpeg") == YUV420


def test_mastering_metadata_go_into_the_stream() -> None:
    primaries = ((0.68, 0.32), (0.265, 0.69), (0.15, 0.06), (0.3127, 0.329))
    hdr = HdrMetadata(primaries, (0.005, 1000.0), (1000, 400))
    layout = VideoFormat(64, 48, PixelFormat("yuv", 10, (2, 2)), ColorSpec(matrix=9, transfer=16))
    planes = tuple(torch.full(size, 512, dtype=torch.uint16) for size in layout.plane_sizes)
    encoder = LiveEncoder(EncoderOptions(codec="hevc"), rate=RATE, hdr=hdr)
    (packet,) = encoder.encode(Frame(planes, layout, 0, STEP))
    (image,) = decode("hevc", [packet])
    kinds = {item.type for item in SideData().read(image)}
    assert {Type.MASTERING_DISPLAY_METADATA, Type.CONTENT_LIGHT_LEVEL} <= kinds
    encoder.close()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (EncoderOptions(preset="warp"), "preset = 'warp' with h264"),
        (EncoderOptions(crf=99), "crf = 99 with h264: expected 0 to 51"),
        (EncoderOptions(codec="av1", intra_refresh=True), "intra_refresh with av1"),
    ],
)
def test_wrong_choices_are_refused(options: EncoderOptions, words: str) -> None:
    with pytest.raises(OptionError, match=words):
        check_options(options)
