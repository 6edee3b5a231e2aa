"""Key points of MPEG-1, 2 and 4, VP8, VP9 and AV1, by the first header of a packet."""

from __future__ import annotations

from vidsr.video.key_points.bits import Bits

_SEQUENCE, _PICTURE, _VOP = b"\0\0\1\xb3", b"\0\0\1\0", b"\0\0\1\xb6"
_INTRA = 1
_OBU_SEQUENCE, _OBU_HEADERS = 1, (3, 6)


def mpeg2_begins(data: bytes, extradata: bytes) -> bool:
    """Return True for an I picture behind a sequence header, which sets the tables back.

    A gradual refresh is made of P pictures, whatever a container says of them.
    """
    picture = data.find(_PICTURE)
    if picture < 0 or _SEQUENCE not in data[:picture]:
        return False
    bits = Bits(data[picture + 4 : picture + 8])
    bits.read(10)
    return bits.read(3) == _INTRA


def mpeg4_begins(data: bytes, extradata: bytes) -> bool:
    """Return True for an I-VOP."""
    vop = data.find(_VOP)
    return vop >= 0 and Bits(data[vop + 4 : vop + 5]).read(2) == 0


def vp8_begins(data: bytes, extradata: bytes) -> bool:
    """Return True for a key frame, which replaces every reference."""
    return data[:1] != b"" and not data[0] & 1 and data[3:6] == b"\x9d\x01\x2a"


def vp9_begins(data: bytes, extradata: bytes) -> bool:
    """Return True for a key frame; frames with intra blocks only and resilient ones keep others."""
    bits = Bits(data[:4])
    if bits.read(2) != 2:
        return False
    profile = bits.read(1) | bits.read(1) << 1
    bits.read(profile == 3)
    shown_again, inter = bits.read(1), bits.read(1)
    return not shown_again and not inter


def av1_begins(data: bytes, extradata: bytes) -> bool:
    """Return True for a key frame that is shown at once; others leave references from before."""
    at = 0
    while at < len(data):
        header = Bits(data[at : at + 12])
        header.read(1)
        kind, extended, sized = header.read(4), header.read(1), header.read(1)
        at += 1 + extended
        size, at = _leb128(data, at) if sized else (len(data) - at, at)
        if kind == _OBU_SEQUENCE and Bits(data[at : at + 1]).read(5) & 1:
            return True  # reduced headers: every picture stands alone
        if kind in _OBU_HEADERS:
            bits = Bits(data[at : at + 1])
            shown_again, frame_type, shown = bits.read(1), bits.read(2), bits.read(1)
            return not shown_again and frame_type == 0 and shown == 1
        at += size
    return False


def _leb128(data: bytes, at: int) -> tuple[int, int]:
    """Return a number of 7 bits a byte, lowest first, and the place behind it."""
    number = 0
    for shift in range(0, 56, 7):
        byte = data[at] if at < len(data) else 0
        number, at = number | (byte & 127) << shift, at + 1
        if not byte & 128:
            break
    return number, at
