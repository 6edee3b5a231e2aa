"""Headers that are cut short or damaged say nothing, and never raise."""

from __future__ import annotations

from pathlib import Path

import av
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.makers.coded import coded
from vidsr.video.bitstream.bits import Bits, EndOfBits
from vidsr.video.bitstream.nal_units import MOST_UNITS, units
from vidsr.video.coding.headers import h264
from vidsr.video.coding.headers.av1 import Av1Headers
from vidsr.video.coding.headers.h264 import H264Headers
from vidsr.video.coding.headers.hevc import HevcHeaders
from vidsr.video.coding.headers.jpeg import jpeg_step
from vidsr.video.coding.headers.mpeg import MpegHeaders
from vidsr.video.coding.headers.vp8 import Vp8Headers
from vidsr.video.coding.headers.vp9 import Vp9Headers
from vidsr.video.coding.packets import headers_of


def test_bits_come_highest_first() -> None:
    bits = Bits(bytes([0b10110010, 0b00010100]))
    assert (bits.flag(), bits.u(3), bits.u(0)) == (True, 0b011, 0)
    # 00100 is 3, 00101 is 4
    assert bits.ue() == 3
    assert Bits(bytes([0b00101000])).ue() == 4
    assert [Bits(bytes([byte])).se() for byte in (0x80, 0x40, 0x60, 0x20)] == [0, 1, -1, 2]


def test_bits_end() -> None:
    with pytest.raises(EndOfBits):
        Bits(b"\1").u(9)
    with pytest.raises(EndOfBits):
        Bits(bytes(9)).ue()


def test_numbers_below_a_limit_take_few_bits() -> None:
    assert [Bits(bytes([byte])).below(5) for byte in (0, 0x40, 0x80, 0xC0, 0xE0)] == [0, 1, 2, 3, 4]
    assert Bits(b"").below(1) == 0


@given(st.binary(max_size=200), st.binary(max_size=80))
def test_any_bytes_are_survived(data: bytes, extradata: bytes) -> None:
    for reader in (Av1Headers, HevcHeaders, H264Headers):
        reader(extradata).step(data)
    Vp8Headers().step(data)
    Vp9Headers().step(data)
    for start in (
        b"\0\0\1\x42\1",
        b"\0\0\1\x44\1",
        b"\0\0\1\x26\1",
        b"\0\0\1\x67\x64",
        b"\0\0\1\x68",
        b"\0\0\1\x65",
        b"\x12\0\x0a\x0b",
    ):
        Av1Headers(start + data).step(start + extradata)
        HevcHeaders(start + data).step(start + extradata)
        H264Headers(start + data).step(start + extradata)
    jpeg_step(b"\xff\xd8\xff\xdb" + data)
    for start in (b"\x82\x49\x83\x42\0", b"\x84", b"\x86", b"\x92\x49\x83\x42"):
        Vp9Headers().step(start + data)
        Vp9Headers().step(start + data + b"\xc9\1\1\1\1\xc9")
    MpegHeaders().step(b"\0\0\1\0\0\x08" + data + b"\0\0\1\xb5\x80" + extradata + b"\0\0\1\5")
    MpegHeaders().step(data)


@pytest.mark.parametrize("length_bytes", [0, 4])
def test_of_many_units_the_first_are_looked_at_and_empty_ones_passed(length_bytes: int) -> None:
    lead = b"\0\0\1" if length_bytes == 0 else b"\0\0\0\2"
    empty = b"\0\0\1" if length_bytes == 0 else bytes(4)
    assert list(units(empty * 3 + (lead + b"\6\xff") * 2, length_bytes)) == [b"\6\xff"] * 2
    assert len(list(units((lead + b"\6\xff") * 1000, length_bytes))) == MOST_UNITS
    assert not list(units(empty * 1000 + lead + b"\6\xff", length_bytes))


def test_units_of_no_use_are_not_read_as_bits(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(data: bytes) -> Bits:
        raise AssertionError(f"expected no reading, got {len(data)} bytes")

    monkeypatch.setattr(h264, "Bits", refused)
    assert H264Headers(b"\0\0\1\6\xff").step(b"\0\0\1\6\xff" * 9 + b"\0\0\1") is None


def test_a_flood_of_empty_parts_says_nothing() -> None:
    assert Av1Headers().step(b"\x7a\0" * 100_000) is None
    assert jpeg_step(b"\xff\xd8" + b"\xff" * 100_000) is None
    assert jpeg_step(b"\xff\xd8" + b"\xff\xe1\0\2" * 100_000) is None


CODECS = {
    "libx264": {"crf": "27", "bf": "2"},
    "libx265": {"x265-params": "log-level=none:pools=none"},
    "libsvtav1": {"crf": "40"},
    "libvpx": {"b": "100000"},
    "libvpx-vp9": {"b": "100000", "auto-alt-ref": "1", "lag-in-frames": "6"},
    "mpeg2video": {"b": "100000"},
    "mjpeg": {"qmin": "4", "qmax": "4"},
}


@pytest.mark.parametrize("codec", CODECS)
def test_every_beginning_and_every_damaged_byte_is_survived(tmp_path: Path, codec: str) -> None:
    kind = "yuvj420p" if codec == "mjpeg" else "yuv420p"
    clip = coded(tmp_path / "a.mkv", codec, CODECS[codec], pix_fmt=kind)
    with av.open(str(clip.path)) as file:
        stream = file.streams.video[0]
        context = stream.codec_context
        sent = [bytes(packet) for packet in file.demux(stream) if packet.size][:3]
        extradata = context.extradata
    for data in sent:
        for place in range(min(len(data), 80)):
            headers = headers_of(context.name, extradata)
            assert headers is not None
            headers.step(data[:place])
            headers.step(data[:place] + bytes([data[place] ^ 0xFF]) + data[place + 1 :])
    if extradata:
        for place in range(len(extradata)):
            headers_of(context.name, extradata[:place])
            headers_of(
                context.name,
                extradata[:place] + bytes([extradata[place] ^ 0xFF]) + extradata[place + 1 :],
            )


@pytest.mark.parametrize(
    "data", [b"", b"\xff\xd8", b"\xff\xd8\xff\xda\0\x08", b"\xff\xd8\xff\xdb\0\2"]
)
def test_a_jpeg_without_tables_says_nothing(data: bytes) -> None:
    assert jpeg_step(data) is None
