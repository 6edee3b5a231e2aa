"""The length of each track's media in MP4 and MOV, made equal to that of its samples.

FFmpeg 8.1 writes into ``mdhd`` how long the pictures are shown plus the difference between the
first and the smallest distance of decoding and showing: with B-frames a frame or two more than the
samples last, whose sum ISO/IEC 14496-12 asks for there and which is the source's length.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

_PARENTS = (b"moov", b"trak", b"mdia", b"minf", b"stbl")
_HEADER = struct.Struct(">I4s")


def settle_media_lengths(path: Path) -> None:
    """Write the sum of the samples' durations of every track of pictures into its ``mdhd``.

    Raises OSError.
    """
    with path.open("r+b") as file:
        track: dict[bytes, tuple[int, int]] = {}
        for kind, begin, end in _boxes(file, 0, os.fstat(file.fileno()).st_size):
            if kind == b"trak":
                track = {}
            track[kind] = begin, end
            if kind == b"stts" and b"vmhd" in track and b"mdhd" in track:
                _settle(file, track[b"mdhd"][0], _sum(file, begin))


def _boxes(file: BinaryIO, begin: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """Yield kind, begin and end of the contents of boxes, parents before what they hold."""
    while begin + _HEADER.size <= end:
        file.seek(begin)
        size, kind = _HEADER.unpack(file.read(_HEADER.size))
        header = _HEADER.size
        if size == 1:
            size, header = int.from_bytes(file.read(8), "big"), 16
        last = end if size == 0 else begin + size
        if not begin + header <= last <= end:
            return
        yield kind, begin + header, last
        if kind in _PARENTS:
            yield from _boxes(file, begin + header, last)
        begin = last


def _sum(file: BinaryIO, begin: int) -> int:
    """Return the sum of a table of runs of equal durations."""
    file.seek(begin + 4)
    count = int.from_bytes(file.read(4), "big")
    return sum(
        number * length for number, length in struct.iter_unpack(">II", file.read(8 * count))
    )


def _settle(file: BinaryIO, begin: int, length: int) -> None:
    file.seek(begin)
    wide = file.read(1) == b"\1"  # times of 64 bits
    width = 8 if wide else 4
    if length < 1 << 8 * width:
        file.seek(begin + (24 if wide else 16))
        file.write(length.to_bytes(width, "big"))
