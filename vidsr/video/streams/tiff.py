"""Directories of TIFF, in which EXIF is written too: entries read, changed and added."""

from __future__ import annotations

import struct
from collections.abc import Iterator

_ORIENTATION, _PROFILE = 0x0112, 34675
_SHORT, _UNDEFINED = 3, 7


def _order(data: bytes) -> str:
    return "<" if data[:2] == b"II" else ">"


def _entries(data: bytes) -> Iterator[tuple[int, int]]:
    """Yield tag and place of each entry of the first directory."""
    order = _order(data)
    (start,) = struct.unpack_from(order + "I", data, 4)
    (count,) = struct.unpack_from(order + "H", data, start)
    for number in range(count):
        place = start + 2 + 12 * number
        yield struct.unpack_from(order + "H", data, place)[0], place


def tiff_profile(data: bytes) -> bytes:
    """Return the colour profile of a TIFF, empty for none. Raises struct.error where damaged."""
    for tag, place in _entries(data):
        if tag == _PROFILE:
            size, start = struct.unpack_from(_order(data) + "II", data, place + 4)
            return data[start : start + size]
    return b""


def upright(exif: bytes) -> bytes:
    """Return EXIF data that say no other orientation than upright; damaged ones become empty."""
    changed = bytearray(exif)
    try:
        for tag, place in _entries(exif):
            if tag == _ORIENTATION:
                struct.pack_into(_order(exif) + "HIHH", changed, place + 2, _SHORT, 1, 1, 0)
    except struct.error:
        return b""
    return bytes(changed)


def add_profile(data: bytes, profile: bytes) -> bytes:
    """Return a TIFF of one picture with a colour profile, its directory moved to the end."""
    order = _order(data)
    (start,) = struct.unpack_from(order + "I", data, 4)
    (count,) = struct.unpack_from(order + "H", data, start)
    entries = [data[place : place + 12] for tag, place in _entries(data) if tag != _PROFILE]
    body = data + b"\0" * (len(data) % 2)
    entry = struct.pack(order + "HHII", _PROFILE, _UNDEFINED, len(profile), len(body))
    body += profile + b"\0" * (len(profile) % 2)
    entries = sorted([*entries, entry], key=lambda e: struct.unpack_from(order + "H", e)[0])
    end = start + 2 + 12 * count
    directory = struct.pack(order + "H", len(entries)) + b"".join(entries) + data[end : end + 4]
    return body[:4] + struct.pack(order + "I", len(body)) + body[8:] + directory
