"""Sound beside coded pictures: copied where a container carries it, AAC elsewhere."""

from __future__ import annotations

import io
import itertools
import logging
from dataclasses import replace
from typing import Any

import av
import numpy as np
import pytest

from tests.live.sinks.feeding import FIRST_PTS, RATE, numbered, tone
from vidsr.live.base.formats import CodedFormat, SoundFormat
from vidsr.live.base.items import CLOCK_HZ, CodedPacket
from vidsr.live.base.options import EncoderOptions
from vidsr.live.sinks.encoding.adts import has_header, with_config, without_header
from vidsr.live.sinks.encoding.encoder import LiveEncoder
from vidsr.live.sinks.encoding.sound_converter import SoundConverter
from vidsr.live.sinks.fanout import Fanout
from vidsr.live.sinks.muxing.mux_format import MuxFormat
from vidsr.live.sinks.muxing.muxer import Muxer
from vidsr.live.sinks.muxing.sound_fit import carries

TONES = {
    "pcm_alaw": ("pcm_alaw", 8000, "mono"),
    "aac": ("aac", 48_000, "stereo"),
    "opus": ("libopus", 48_000, "stereo"),
    "mp2": ("mp2", 44_100, "stereo"),
}


class Kept:
    """A packet sink that keeps what it gets, and calls its container by name."""

    def __init__(self, container: str) -> None:
        self.container = self.name = container
        self.format: CodedFormat | None = None
        self.packets: list[CodedPacket] = []

    def open(self, format: CodedFormat) -> None:
        self.format = format

    def write(self, packet: CodedPacket) -> None:
        self.packets.append(packet)

    def close(self) -> None: ...


def coded() -> tuple[CodedFormat, list[CodedPacket]]:
    encoder = LiveEncoder(EncoderOptions(), rate=RATE)
    packets = [packet for number in range(25) for packet in encoder.encode(numbered(number))]
    encoder.close()
    assert encoder.format is not None
    return encoder.format, packets


@pytest.mark.parametrize(
    ("container", "codecs"),
    [
        ("nut", ["pcm_alaw", "aac", "opus", "mp2"]),
        ("matroska", ["pcm_alaw", "aac", "opus", "mp2"]),
        ("mpegts", ["aac", "opus", "mp2"]),
        ("flv", ["aac"]),
        ("mp4", ["aac", "opus"]),
    ],
)
def test_sound_is_copied_in_step(container: str, codecs: list[str]) -> None:
    format, pictures = coded()
    for codec in codecs:
        sound, packets = tone(codec, *TONES[codec], seconds=1.0)
        assert carries(container, sound)
        file = io.BytesIO()
        options = {"movflags": "frag_keyframe+empty_moov"} if container == "mp4" else {}
        muxer = Muxer(file, container, MuxFormat.of(replace(format, sound=sound)), options)
        for packet in sorted([*pictures, *packets], key=lambda packet: packet.dts):
            muxer.write(packet)
        muxer.close()
        with av.open(io.BytesIO(file.getvalue()), "r") as read:
            (stream,) = read.streams.audio
            assert stream.codec_context.name.removesuffix("float") == codec
            frames: list[Any] = list(read.decode(audio=0))
            assert sum(frame.samples for frame in frames) >= 0.9 * sound.rate_hz
            assert frames[0].layout.nb_channels == (1 if sound.layout == "mono" else 2)
        with av.open(io.BytesIO(file.getvalue()), "r") as read:
            assert len(list(read.decode(video=0))) == 25


def test_g711_becomes_aac_of_the_same_time() -> None:
    sound, packets = tone("pcm_alaw", *TONES["pcm_alaw"], seconds=1.0)
    # Half a second is missing in the middle, as after a reconnect.
    packets = [
        p if n < 25 else replace(p, pts=p.pts + CLOCK_HZ // 2) for n, p in enumerate(packets)
    ]
    converter = SoundConverter(sound)
    made = [made for packet in packets for made in converter.convert(packet)]
    assert (converter.format.codec, converter.format.rate_hz) == ("aac", 48_000)
    assert converter.format.extradata
    assert all(later.dts > earlier.dts for earlier, later in itertools.pairwise(made))
    decoder: Any = av.CodecContext.create("aac", "r")
    decoder.extradata = converter.format.extradata
    loud: list[float] = []
    for packet in made:
        for frame in decoder.decode(av.Packet(packet.data)):
            level = float(np.abs(frame.to_ndarray()).mean())
            loud += [(packet.pts - FIRST_PTS) / CLOCK_HZ] if level > 0.05 else []
    silent = [b - a for a, b in itertools.pairwise(loud) if b - a > 0.1]
    assert loud[0] == pytest.approx(0.0, abs=0.05)
    assert silent == [pytest.approx(0.5, abs=0.06)]
    converter.close()


def test_damage_is_counted_and_nothing_else_happens() -> None:
    sound, packets = tone("aac", *TONES["aac"], seconds=0.3)
    converter = SoundConverter(sound)
    assert list(converter.convert(replace(packets[0], data=b"\xff" * 40))) == []
    assert converter.damaged == 1
    assert [made for packet in packets for made in converter.convert(packet)]
    converter.close()


def test_headers_of_transport_streams_come_off() -> None:
    sound, packets = tone("aac", *TONES["aac"], seconds=0.3)
    # Low complexity, 48 kHz, two channels, no checksum.
    size = len(packets[0].data) + 7
    header = bytes(
        (0xFF, 0xF1, 0x4C, 0x80 | size >> 11, size >> 3 & 255, (size & 7) << 5 | 0x1F, 0xFC)
    )
    assert has_header(header + packets[0].data)
    assert without_header(header + packets[0].data) == packets[0].data
    assert without_header(packets[0].data) == packets[0].data
    bare = replace(sound, extradata=b"")
    assert with_config(bare, header + packets[0].data).extradata == sound.extradata[:2]
    assert with_config(bare).extradata == sound.extradata[:2]
    assert with_config(sound) is sound


def test_each_sink_gets_what_it_carries() -> None:
    format, pictures = coded()
    sound, packets = tone("pcm_alaw", *TONES["pcm_alaw"], seconds=0.5)
    sinks = [Kept(name) for name in ("rtsp", "flv", "hls", "mjpeg")]
    fanout = Fanout(sinks)
    fanout.open(replace(format, sound=sound))
    for packet in (*pictures, *packets):
        fanout.write(packet)
    fanout.close()
    kinds = [sink.format.sound.codec if sink.format and sink.format.sound else "" for sink in sinks]
    assert kinds == ["pcm_alaw", "aac", "aac", ""]
    sounds = [[p for p in sink.packets if p.kind == "sound"] for sink in sinks]
    assert sounds[0] == packets
    assert len(sounds[1]) > 10
    assert sounds[1] == sounds[2]
    assert sounds[3] == []
    assert all([p for p in sink.packets if p.kind == "video"] == pictures for sink in sinks)


@pytest.mark.parametrize(("choice", "said"), [("copy", 1), ("none", 0)])
def test_sound_can_be_left_out(choice: Any, said: int, caplog: pytest.LogCaptureFixture) -> None:
    format, _ = coded()
    sinks = [Kept("nut"), Kept("flv")]
    fanout = Fanout(sinks, choice)
    with caplog.at_level(logging.WARNING):
        fanout.open(replace(format, sound=SoundFormat("pcm_alaw", 8000, "mono")))
    assert len(caplog.records) == said
    assert [bool(sink.format and sink.format.sound) for sink in sinks] == [choice == "copy", False]


def test_a_sound_that_nobody_decodes_is_left_out(caplog: pytest.LogCaptureFixture) -> None:
    format, _ = coded()
    sink = Kept("flv")
    with caplog.at_level(logging.WARNING):
        Fanout([sink]).open(replace(format, sound=SoundFormat("no_such", 8000, "mono")))
    assert "left out" in caplog.text
    assert sink.format is not None
    assert sink.format.sound is None


def test_a_sink_that_raises_hinders_no_other(caplog: pytest.LogCaptureFixture) -> None:
    class Broken(Kept):
        def write(self, packet: CodedPacket) -> None:
            raise RuntimeError("of a program")

        close = write  # type: ignore[assignment]

    format, pictures = coded()
    sinks = [Broken("nut"), Kept("nut")]
    fanout = Fanout(sinks)
    fanout.open(format)
    for packet in pictures:
        fanout.write(packet)
    fanout.close()
    assert sinks[1].packets == pictures
    assert len(caplog.records) == 1
