"""Colour profiles and EXIF data of still pictures: read out of one file, put into another.

PyAV cannot be asked for either, and FFmpeg's encoders write none without it: bytes of PNG, JPEG,
TIFF and WebP are read, and those of PNG, JPEG and TIFF added to.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from pathlib import Path

from vidsr.notes import Notes
from vidsr.video.header import PictureTags
from vidsr.video.streams.tiff import add_exif, add_profile, tiff_exif, tiff_profile, upright

_PNG, _JPEG, _TIFF = b"\x89PNG\r\n\x1a\n", b"\xff\xd8", (b"II*\0", b"MM\0*")
_EXIF, _ICC = b"Exif\0\0", b"ICC_PROFILE\0"
_SEGMENT = 65_519  # bytes of a profile in one segment of JPEG
_LARGEST = 64 << 20
_LARGEST_PROFILE = 16 << 20  # of PNG, unpacked: a file of 1.2 MB can hold a gigabyte of zeros
_SPACES = {"rgb": b"RGB ", "gray": b"GRAY", "yuv": b"RGB "}


def read_tags(path: Path, notes: Notes) -> PictureTags:
    """Return what a picture file holds; nothing for damaged and for other files.

    A profile of PNG beyond 16 MiB is left out, with a note.
    """
    try:
        with path.open("rb") as file:
            data = file.read(_LARGEST)
        return _tags(data, notes)
    except (OSError, ValueError, struct.error, zlib.error, IndexError):
        return PictureTags()


def _tags(data: bytes, notes: Notes) -> PictureTags:
    if data.startswith(_PNG):
        chunks = dict(_chunks(data[8:], ">I4s", 4))
        packed = chunks.get(b"iCCP", b"").partition(b"\0")[2][1:]
        profile = _unpacked(packed, notes) if packed else b""
        return PictureTags(profile, chunks.get(b"eXIf", b""))
    if data.startswith(_JPEG):
        parts = list(_segments(data))
        profile = b"".join(part[14:] for kind, part in parts if kind == 0xE2 and _ICC in part[:12])
        exif = (part[6:] for kind, part in parts if kind == 0xE1 and part.startswith(_EXIF))
        return PictureTags(profile, next(exif, b""))
    if data.startswith(b"RIFF") and data[8:12] == b"WEBP":
        chunks = dict(_riff(data[12:]))
        return PictureTags(chunks.get(b"ICCP", b""), chunks.get(b"EXIF", b"").removeprefix(_EXIF))
    if data.startswith(_TIFF):
        return PictureTags(tiff_profile(data), tiff_exif(data))
    return PictureTags()


def _unpacked(packed: bytes, notes: Notes) -> bytes:
    """Return a profile, empty for one too large. Raises zlib.error for a damaged one."""
    unpacking = zlib.decompressobj()
    profile = unpacking.decompress(packed, _LARGEST_PROFILE + 1)
    if len(profile) > _LARGEST_PROFILE:
        notes.say("the source's colour profile (ICC) is larger than 16 MiB: it is not carried over")
        return b""
    if not unpacking.eof:
        raise zlib.error("a profile ends early")
    return profile


def add_tags(data: bytes, tags: PictureTags, family: str) -> bytes:
    """Return a finished picture with the tags, its orientation upright.

    A profile of another kind of samples than ``family`` (``rgb``, ``gray``, ``yuv``) is left out.
    """
    profile = tags.profile if fits_profile(tags, family) else b""
    exif = upright(tags.exif) if tags.exif else b""
    if data.startswith(_PNG):
        end = 8 + 25  # the signature and the header
        added = _chunk(b"iCCP", b"ICC\0\0" + zlib.compress(profile)) if profile else b""
        added += _chunk(b"eXIf", exif) if exif else b""
        return data[:end] + added + data[end:]
    if data.startswith(_JPEG):
        return data[:2] + _jpeg_segments(exif, profile) + data[2:]
    if data.startswith(_TIFF):
        data = add_exif(data, exif) if exif else data
        return add_profile(data, profile) if profile else data
    return data


def fits_profile(tags: PictureTags, family: str) -> bool:
    """Return True if the profile is one of such samples."""
    return tags.profile[16:20] == _SPACES[family]


def _jpeg_segments(exif: bytes, profile: bytes) -> bytes:
    segments = [(0xE1, _EXIF + exif)] if exif and len(exif) < _SEGMENT else []
    parts = [profile[n : n + _SEGMENT] for n in range(0, len(profile), _SEGMENT)]
    segments += [
        (0xE2, _ICC + bytes([number, len(parts)]) + part) for number, part in enumerate(parts, 1)
    ]
    return b"".join(
        b"\xff" + bytes([kind]) + (len(body) + 2).to_bytes(2, "big") + body
        for kind, body in segments
    )


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def _chunks(data: bytes, layout: str, trailer: int) -> Iterator[tuple[bytes, bytes]]:
    place = 0
    while place + 8 <= len(data):
        size, kind = struct.unpack_from(layout, data, place)
        yield kind, data[place + 8 : place + 8 + size]
        place += 8 + size + trailer


def _riff(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    place = 0
    while place + 8 <= len(data):
        kind, size = struct.unpack_from("<4sI", data, place)
        yield kind, data[place + 8 : place + 8 + size]
        place += 8 + size + size % 2


def _segments(data: bytes) -> Iterator[tuple[int, bytes]]:
    place = 2
    while place + 4 <= len(data) and data[place] == 0xFF and data[place + 1] != 0xDA:
        size = int.from_bytes(data[place + 2 : place + 4], "big")
        yield data[place + 1], data[place + 4 : place + 2 + size]
        place += 2 + size
