"""NAL units of H.264 and HEVC, behind lengths or start codes."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

# Parameter sets with timing are longer than a slice header; of a slice no more is read.
SET_BYTES, HEADER_BYTES = 2048, 256
# Units of a packet that are looked at, empty ones too: the first slice comes behind a few sets and
# messages. A damaged packet of zeros may pass for a million of them.
MOST_UNITS = 64
_START = b"\0\0\1"


def units(data: bytes, length_bytes: int) -> Iterator[bytes]:
    """Yield the beginning of each of a packet's first units, without the empty ones.

    Args:
        data: The packet.
        length_bytes: Bytes of a unit's length, 0 for start codes.
    """
    found = _sized(data, length_bytes) if length_bytes else _started(data)
    return filter(None, islice(found, MOST_UNITS))


def length_bytes(extradata: bytes, place: int | None) -> int:
    """Return the bytes of a unit's length as an avcC or hvcC record says, 0 for start codes.

    Args:
        extradata: The record, or units behind start codes.
        place: The byte of the record that says it; None for a kind of record without.
    """
    if place is None or len(extradata) <= place or extradata.startswith((_START, b"\0" + _START)):
        return 0
    return (extradata[place] & 3) + 1


def unescaped(unit: bytes) -> bytes:
    """Return a unit without the bytes that keep start codes out of it."""
    return unit.replace(b"\0\0\3", b"\0\0")


def escaped(payload: bytes) -> bytes:
    """Return a payload with a three after two zeros, wherever a start code could be seen."""
    out, zeros = bytearray(), 0
    for byte in payload:
        if zeros == 2 and byte <= 3:
            out.append(3)
            zeros = 0
        out.append(byte)
        zeros = zeros + 1 if byte == 0 else 0
    return bytes(out)


def listed(data: bytes, at: int, count: int) -> tuple[list[bytes], int]:
    """Return the beginnings of units behind lengths of two bytes, and where the last ends."""
    found = []
    for _ in range(count):
        size = int.from_bytes(data[at : at + 2], "big")
        found.append(data[at + 2 : at + 2 + min(size, SET_BYTES)])
        at += 2 + size
    return found, at


def _sized(data: bytes, length_bytes: int) -> Iterator[bytes]:
    at = 0
    while at + length_bytes <= len(data):
        size = int.from_bytes(data[at : at + length_bytes], "big")
        at += length_bytes
        yield data[at : at + min(size, SET_BYTES)]
        at += size


def _started(data: bytes) -> Iterator[bytes]:
    at = data.find(_START)
    while at >= 0:
        begin = at + len(_START)
        window = data[begin : begin + SET_BYTES]
        end = window.find(_START)
        yield window if end < 0 else window[:end]
        at = data.find(_START, begin)
