"""The boxes of a HEIF file that list its pictures (ISO/IEC 14496-12 and 23008-12)."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

_HEADER = struct.Struct(">I4s")
MOST_BYTES = 16 << 20  # of the list; phones write kilobytes


class Reader:
    """A cursor over big-endian numbers. Raises ValueError behind the end."""

    def __init__(self, data: bytes) -> None:
        self.data, self.at = data, 0

    def number(self, size: int) -> int:
        """Return the next ``size`` bytes as a number, 0 for none."""
        return int.from_bytes(self.take(size), "big")

    def take(self, size: int) -> bytes:
        """Return the next ``size`` bytes."""
        part = self.data[self.at : self.at + size]
        if len(part) < size:
            raise ValueError("a box ends early")
        self.at += size
        return part

    def version(self) -> tuple[int, int]:
        """Return version and flags, with which most boxes begin."""
        return self.number(1), self.number(3)


def children(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield kind and contents of the boxes in ``data``. Raises ValueError for a wrong size."""
    at = 0
    while at + _HEADER.size <= len(data):
        size, kind = _HEADER.unpack_from(data, at)
        header = _HEADER.size
        if size == 1:
            size, header = int.from_bytes(data[at + 8 : at + 16], "big"), 16
        end = len(data) if size == 0 else at + size
        if not at + header <= end <= len(data):
            raise ValueError("a box is larger than what holds it")
        yield kind, data[at + header : end]
        at = end


def read_meta(path: Path) -> bytes | None:
    """Return the contents of the box that lists pictures; None where there is a film beside it.

    Raises OSError, and ValueError for a list beyond ``MOST_BYTES``.
    """
    found: tuple[int, int] | None = None
    with path.open("rb") as file:
        for kind, begin, size in _top_level(file, path.stat().st_size):
            if kind == b"moov":
                return None
            if kind == b"meta" and found is None:
                found = begin, size
        if found is None:
            return None
        begin, size = found
        if size > MOST_BYTES:
            raise ValueError("the list is too long")
        file.seek(begin)
        return file.read(size)


def _top_level(file: BinaryIO, length: int) -> Iterator[tuple[bytes, int, int]]:
    """Yield kind, begin and size of the contents of the outermost boxes."""
    at = 0
    while at + _HEADER.size <= length:
        file.seek(at)
        size, kind = _HEADER.unpack(file.read(_HEADER.size))
        header = _HEADER.size
        if size == 1:
            size, header = int.from_bytes(file.read(8), "big"), 16
        size = length - at if size == 0 else size
        if size < header:
            return
        yield kind, at + header, size - header
        at += size
