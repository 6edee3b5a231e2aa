"""Directories of TIFF, in which EXIF is written too: entries read, changed and added."""

from __future__ import annotations

import struct
from collections.abc import Collection, Iterator
from dataclasses import dataclass

_ORIENTATION, _PROFILE = 0x0112, 34675
_SHORT, _UNDEFINED = 3, 7
_EXIF, _PLACE, _OTHERS = 0x8769, 0x8825, 0xA005
_DIRECTORIES = (_EXIF, _PLACE, _OTHERS)
# How the samples lie and where: true of the one file alone. Resolution and thumbnails, too.
_LAYOUT = frozenset((*range(254, 260), 262, 266, *range(273, 285), 290, 291, 292, 293, 296, 317))
_LAYOUT |= frozenset((320, *range(322, 326), 330, 332, *range(336, 343), 347, *range(512, 522)))
_LAYOUT |= frozenset((*range(529, 533), _PROFILE))
# Description, camera, date, author and licence; what else stands beside them goes along.
_TELLING = frozenset((270, 271, 272, 306, 315, 33432, _EXIF, _PLACE))
_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 4, 6: 1, 7: 1, 8: 2, 9: 4, 10: 4, 11: 4, 12: 8, 13: 4}
_TWO_NUMBERS = (5, 10)
_DEEPEST = 3


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


@dataclass(frozen=True)
class _Entry:
    """One entry of a directory, its numbers lowest byte first, and those that it points at."""

    tag: int
    kind: int
    count: int
    value: bytes
    inner: tuple[_Entry, ...] = ()


def tiff_exif(data: bytes) -> bytes:
    """Return what a TIFF tells of its picture as EXIF data, empty where that is nothing.

    Raises struct.error and ValueError where damaged.
    """
    (start,) = struct.unpack_from(_order(data) + "I", data, 4)
    told = [e for e in _directory(data, start) if e.tag not in _LAYOUT]
    if not _TELLING.intersection(e.tag for e in told):
        return b""
    body = bytearray(b"II*\0" + bytes(4))
    struct.pack_into("<I", body, 4, _append(body, told, "<", b""))
    return bytes(body)


def add_exif(data: bytes, exif: bytes) -> bytes:
    """Return a TIFF of one picture with EXIF data; as it is where these are damaged."""
    order = _order(data)
    try:
        (start,) = struct.unpack_from(_order(exif) + "I", exif, 4)
        told = {e.tag: e for e in _directory(exif, start) if e.tag not in _LAYOUT}
    except (struct.error, ValueError):
        return data
    rest = [data[place : place + 12] for tag, place in _entries(data) if tag not in told]
    body = bytearray(data + b"\0" * (len(data) % 2))
    struct.pack_into(order + "I", body, 4, _append(body, told.values(), order, b"".join(rest)))
    return bytes(body)


def _directory(data: bytes, start: int, depth: int = 0) -> tuple[_Entry, ...]:
    """Return the entries of a directory. Raises struct.error and ValueError where damaged."""
    order, found, total = _order(data), dict[int, _Entry](), 0
    (count,) = struct.unpack_from(order + "H", data, start)
    for number in range(count):
        place = start + 2 + 12 * number
        tag, kind, values = struct.unpack_from(order + "HHI", data, place)
        size = _SIZES.get(kind, 0) * values * (1 + (kind in _TWO_NUMBERS))
        if not size or tag in found:
            continue
        at = place + 8
        if size > 4:
            (at,) = struct.unpack_from(order + "I", data, at)
        total += size
        if at + size > len(data) or total > len(data):
            raise ValueError("an entry ends behind its file, or lies over others")
        value = _swapped(data[at : at + size], _SIZES[kind], order)
        inner: tuple[_Entry, ...] = ()
        if tag in _DIRECTORIES and depth < _DEEPEST:
            inner = _directory(data, int.from_bytes(value[:4], "little"), depth + 1)
        found[tag] = _Entry(tag, kind, values, value, inner)
    return tuple(found.values())


def _swapped(value: bytes, width: int, order: str) -> bytes:
    """Return numbers of ``width`` bytes from one order of bytes in little endian, or back."""
    if order == "<" or width == 1:
        return value
    return b"".join(value[n : n + width][::-1] for n in range(0, len(value), width))


def _append(body: bytearray, entries: Collection[_Entry], order: str, rest: bytes) -> int:
    """Write a directory behind ``body`` and return its place; ``rest`` are entries as they are."""
    raw = [rest[n : n + 12] for n in range(0, len(rest), 12)]
    for entry in entries:
        value = entry.value
        if entry.inner:
            place = _append(body, entry.inner, order, b"")
            value = place.to_bytes(4, "little")
        value = _swapped(value, _SIZES[entry.kind], order)
        if len(value) > 4:
            place = len(body)
            body += value + b"\0" * (len(value) % 2)
            value = struct.pack(order + "I", place)
        head = struct.pack(order + "HHI", entry.tag, entry.kind, entry.count)
        raw.append(head + value.ljust(4, b"\0"))
    raw.sort(key=lambda entry: struct.unpack_from(order + "H", entry)[0])
    place = len(body)
    body += struct.pack(order + "H", len(raw)) + b"".join(raw) + bytes(4)
    return place
