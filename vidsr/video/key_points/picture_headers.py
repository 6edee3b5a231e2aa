"""Key points of MPEG-1, 2 and 4, VP8, VP9 and AV1, by the first header of a packet."""

from __future__ import annotations

from vidsr.video.bitstream.bits import Bits, leb128

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
    bits = _bits(data, picture + 4, 4)
    bits.u(10)
    return bits.u(3) == _INTRA


def mpeg4_begins(data: bytes, extradata: bytes) -> bool:
    """Return True for an I-VOP."""
    vop = data.find(_VOP)
    return vop >= 0 and _bits(data, vop + 4, 1).u(2) == 0


def vp8_begins(data: bytes, extradata: bytes) -> bool:
    """Return True for a key frame, which replaces every reference."""
    return data[:1] != b"" and not data[0] & 1 and data[3:6] == b"\x9d\x01\x2a"


def vp9_begins(data: bytes, extradata: bytes) -> bool:
    """Return True for a key frame; frames with intra blocks only and resilient ones keep others."""
    bits = _bits(data, 0, 4)
    if bits.u(2) != 2:
        return False
    profile = bits.u(1) | bits.u(1) << 1
    bits.u(profile == 3)
    shown_again, inter = bits.flag(), bits.flag()
    return not shown_again and not inter


def av1_begins(data: bytes, extradata: bytes) -> bool:
    """Return True for a key frame that is shown at once; others leave references from before."""
    at = 0
    while at < len(data):
        header = _bits(data, at, 1)
        header.u(1)
        kind, extended, sized = header.u(4), header.u(1), header.flag()
        at += 1 + extended
        size, at = leb128(data, at) if sized else (len(data) - at, at)
        if kind == _OBU_SEQUENCE and _bits(data, at, 1).u(5) & 1:
            return True  # reduced headers: every picture stands alone
        if kind in _OBU_HEADERS:
            bits = _bits(data, at, 1)
            shown_again, frame_type, shown = bits.flag(), bits.u(2), bits.flag()
            return not shown_again and frame_type == 0 and shown
        at += size
    return False


def _bits(data: bytes, at: int, count: int) -> Bits:
    """Return ``count`` bytes of a header as bits; behind the packet's end all are zero."""
    return Bits(data[at : at + count].ljust(count, b"\0"))
