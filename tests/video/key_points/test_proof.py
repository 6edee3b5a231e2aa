"""Which packets decoding may begin at, by their own bits; packets are made of bytes here."""

from __future__ import annotations

import av
import pytest

from vidsr.video.bitstream.bits import Bits, EndOfBits, leb128
from vidsr.video.key_points.nal_units import h264_begins, hevc_begins, vvc_begins
from vidsr.video.key_points.picture_headers import (
    av1_begins,
    mpeg2_begins,
    mpeg4_begins,
    vp8_begins,
    vp9_begins,
)
from vidsr.video.key_points.proof import KeyPoints

CODE = b"\0\0\1"
# avcC and hvcC as far as the bytes that say how long a unit's length is: 4 and 2.
AVCC, HVCC = b"\1\x64\0\x1f\xff", b"\1" + bytes(20) + b"\xfd"
I_SLICE, P_SLICE = b"\x41\xb8", b"\x41\xe0"  # first macroblock 0; slice type 2 or 7, and 0
IDR = b"\x65\xb8"


def sei(count: str, exact: int, before: bytes = b"") -> bytes:
    """Return an SEI unit with a recovery point; ``count`` is its Exp-Golomb bits."""
    bits = (count + f"{exact}001").ljust(16, "0")
    payload = int(bits, 2).to_bytes(2, "big")
    return b"\x06" + before + b"\x06\x02" + payload + b"\x80"


def annexb(*units: bytes) -> bytes:
    return b"".join(b"\0" + CODE + unit for unit in units)


def lengths(size: int, *units: bytes) -> bytes:
    return b"".join(len(unit).to_bytes(size, "big") + unit for unit in units)


@pytest.mark.parametrize(
    ("units", "begins"),
    [
        ((IDR,), True),
        ((b"\x67\x64", b"\x68\xee", IDR), True),
        ((sei("1", 1), I_SLICE), True),
        ((sei("1", 1, before=b"\x05\x01\x77"), I_SLICE), True),
        ((b"\x06\x01\x01\x00\x80", sei("1", 1), I_SLICE), True),
        ((sei("1", 0), I_SLICE), False),  # only about right
        ((sei("00110", 1), I_SLICE), False),  # five pictures ahead
        ((sei("1", 1), P_SLICE), False),
        ((I_SLICE,), False),  # nothing is promised of what follows
        ((P_SLICE, IDR), False),
        ((), False),
    ],
)
def test_h264(units: tuple[bytes, ...], begins: bool) -> None:
    assert h264_begins(annexb(*units), b"") is begins
    assert h264_begins(annexb(*units), CODE + b"\x67") is begins
    assert h264_begins(lengths(4, *units), AVCC) is begins


@pytest.mark.parametrize("kind", range(32))
def test_hevc_and_vvc(kind: int) -> None:
    """CRA (21), BLA and IDR pictures of HEVC; IDR and CRA (7 to 9) of VVC, whose 10 is a GDR."""
    hevc, vvc = bytes((kind << 1, 1)), bytes((0, kind << 3 | 1))
    assert hevc_begins(annexb(b"\x40\1", hevc), b"") is (16 <= kind <= 23)
    assert hevc_begins(lengths(2, b"\x40\1", hevc), HVCC) is (16 <= kind <= 23)
    assert vvc_begins(annexb(vvc), b"") is (7 <= kind <= 9)


@pytest.mark.parametrize(("kind", "begins"), [(1, True), (2, False), (3, False), (4, False)])
def test_mpeg1_and_2(kind: int, begins: bool) -> None:
    picture = CODE + b"\0" + (5 << 6 | kind << 3).to_bytes(2, "big") + b"\0\0"
    assert mpeg2_begins(CODE + b"\xb3\x14\0\xf0" + picture, b"") is begins
    assert not mpeg2_begins(picture, b"")  # without the tables that a sequence header sets


@pytest.mark.parametrize(("kind", "begins"), [(0, True), (1, False), (2, False), (3, False)])
def test_mpeg4(kind: int, begins: bool) -> None:
    assert mpeg4_begins(CODE + b"\xb6" + bytes((kind << 6,)), b"") is begins


@pytest.mark.parametrize(
    ("first", "begins"),
    [
        (0b10000010, True),  # key
        (0b10000110, False),  # inter, as an intra-only frame begins too
        (0b10000111, False),  # resilient, and still inter
        (0b10001000, False),  # shown again
        (0b10110000, True),  # profile 3 has a bit more
        (0b10110010, False),
        (0b00000010, False),  # no frame
    ],
)
def test_vp9(first: int, begins: bool) -> None:
    assert vp9_begins(bytes((first, 0x49, 0x83, 0x42)), b"") is begins


def test_vp8() -> None:
    assert vp8_begins(b"\x10\2\0\x9d\1\x2a", b"")
    assert not vp8_begins(b"\x11\2\0\x9d\1\x2a", b"")


@pytest.mark.parametrize(
    ("header", "begins"),
    [
        (0b00010000, True),  # a key frame that is shown
        (0b00000000, False),  # one that is shown later: pictures before it are shown meanwhile
        (0b00110000, False),  # inter
        (0b01010000, False),  # intra only
        (0b01110000, False),  # a switch frame
        (0b10000000, False),  # an old frame shown again
    ],
)
def test_av1(header: int, begins: bool) -> None:
    delimiter, sequence = b"\x12\0", b"\x0a\2\0\0"
    frame = bytes((0x32, 2, header, 0))
    assert av1_begins(delimiter + sequence + frame, b"") is begins
    assert av1_begins(frame, b"") is begins
    assert av1_begins(bytes((0x36, 0, 2, header, 0)), b"") is begins  # with an extension
    assert av1_begins(bytes((0x30, header)), b"") is begins  # the last one without a size


def test_pictures_of_av1_with_reduced_headers_stand_alone() -> None:
    assert av1_begins(b"\x0a\2\x18\0" + b"\x32\1\0", b"")


@pytest.mark.parametrize("data", [b"", b"\0", CODE, b"\xff" * 7, bytes(range(256))])
def test_whatever_comes_is_answered(data: bytes) -> None:
    for codec in ("av1", "h264", "hevc", "mpeg2video", "mpeg4", "vp8", "vp9", "vvc"):
        for extradata in (b"", AVCC, HVCC, data):
            assert KeyPoints(codec, extradata, False).may_begin(av.Packet(data)) in (True, False)


def test_the_decoder_is_asked_about_the_rest() -> None:
    assert KeyPoints("wmv2", b"", False).by_decoder
    assert not KeyPoints("prores", b"", True).by_decoder
    assert not KeyPoints("h264", b"", False).by_decoder


def test_bits_are_read_in_order_and_no_further() -> None:
    bits = Bits(b"\xa6\x42")
    assert [bits.u(count) for count in (1, 3, 4, 8)] == [1, 2, 6, 0x42]
    with pytest.raises(EndOfBits):
        bits.u(1)


def test_exp_golomb_numbers() -> None:
    bits = Bits(int("1010011001000010100110", 2).to_bytes(3, "big"))
    bits.u(2)  # the number is 22 bits long
    assert [bits.ue() for _ in range(6)] == [0, 1, 2, 3, 4, 5]


@pytest.mark.parametrize("codec", ["av1", "h264", "hevc", "mpeg2video", "vp8", "vp9", "vvc"])
@pytest.mark.parametrize("data", [b"", b"\0", b"\0\0\1", b"\0\0\1\x41", b"\0\0\1\0", b"\xff"])
def test_packets_that_end_early_are_none_to_begin_at(codec: str, data: bytes) -> None:
    assert not KeyPoints(codec, b"", False).may_begin(av.Packet(data))


@pytest.mark.parametrize(
    ("data", "number", "end"),
    [(b"\x05", 5, 1), (b"\x85\x01", 133, 2), (b"\x85", 5, 2), (b"", 0, 1)],
)
def test_numbers_of_seven_bits_a_byte(data: bytes, number: int, end: int) -> None:
    assert leb128(data, 0) == (number, end)
