"""Key points of H.264, HEVC and VVC, whose packets hold NAL units."""

from __future__ import annotations

from collections.abc import Iterator

from vidsr.video.bitstream.bits import Bits, EndOfBits
from vidsr.video.bitstream.nal_units import length_bytes, unescaped, units

# A slice header's type and a recovery point lie in the first bytes of their units.
_HEADER_BYTES = 64

_H264_SLICES, _H264_IDR, _H264_SEI = (1, 2), 5, 6
_RECOVERY_POINT = 6
_INTRA_SLICES = (2, 4, 7, 9)  # I and SI, of this slice alone or of the whole picture
_HEVC_SLICES, _HEVC_IRAP = range(32), range(16, 24)
_VVC_SLICES, _VVC_IRAP = range(12), range(7, 10)


def h264_begins(data: bytes, extradata: bytes) -> bool:
    """Return True for an IDR picture, or an I picture that promises exactness from itself on.

    A recovery point that lies pictures ahead (intra refresh) promises it for later; FFmpeg shows
    pictures before it is reached: 16 of 71 starts were up to 229 of 255 levels off.
    """
    exact = False
    for unit in _units(data, length_bytes(extradata, 4)):
        kind = unit[0] & 31
        if kind == _H264_IDR:
            return True
        if kind == _H264_SEI:
            exact = exact or _recovers_at_once(unit)
        if kind in _H264_SLICES:
            return exact and _slice_type(unit) in _INTRA_SLICES
    return False


def hevc_begins(data: bytes, extradata: bytes) -> bool:
    """Return True for an IRAP picture: what is shown after it does not look behind it."""
    for unit in _units(data, length_bytes(extradata, 21)):
        kind = unit[0] >> 1 & 63
        if kind in _HEVC_SLICES:
            return kind in _HEVC_IRAP
    return False


def vvc_begins(data: bytes, extradata: bytes) -> bool:
    """Return True for an IRAP picture; a gradual refresh has a type of its own."""
    for unit in _units(data, 4 if extradata[:1] == b"\xff" else length_bytes(extradata, None)):
        kind = unit[1] >> 3 if len(unit) > 1 else 31
        if kind in _VVC_SLICES:
            return kind in _VVC_IRAP
    return False


def _units(data: bytes, length_bytes: int) -> Iterator[bytes]:
    """Yield the first bytes of a packet's units."""
    return (unit[:_HEADER_BYTES] for unit in units(data, length_bytes))


def _payload(unit: bytes) -> bytes:
    """Return an H.264 unit's payload without the bytes that keep start codes out of it."""
    return unescaped(unit[1:])


def _slice_type(unit: bytes) -> int:
    bits = Bits(_payload(unit))
    try:
        bits.ue()  # the first macroblock's number
        return bits.ue()
    except EndOfBits:
        return -1


def _recovers_at_once(unit: bytes) -> bool:
    """Return True if a message in an SEI unit is a recovery point, here and exact."""
    payload, at = _payload(unit), 0
    while at + 2 < len(payload):
        kind, at = _sum_of_bytes(payload, at)
        size, at = _sum_of_bytes(payload, at)
        if kind == _RECOVERY_POINT:
            return _is_here_and_exact(Bits(payload[at : at + size]))
        at += size
    return False


def _is_here_and_exact(message: Bits) -> bool:
    try:
        return message.ue() == 0 and message.flag()
    except EndOfBits:
        return False


def _sum_of_bytes(payload: bytes, at: int) -> tuple[int, int]:
    """Return a number written as bytes of 255 and a last one, and the place behind it."""
    total = 0
    while at < len(payload) and payload[at] == 255:
        total, at = total + 255, at + 1
    return total + (payload[at] if at < len(payload) else 0), at + 1
