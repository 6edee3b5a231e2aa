"""Lengths as the boxes of MP4 and MOV files state them."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path

PARENTS = (b"moov", b"trak", b"mdia", b"minf", b"stbl", b"edts")


def boxes(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield kind and contents of every box, parents before what they hold."""
    at = 0
    while at + 8 <= len(data):
        size, kind = struct.unpack(">I4s", data[at : at + 8])
        content = data[at + 8 : at + size] if size > 1 else b""
        yield kind, content
        if kind in PARENTS:
            yield from boxes(content)
        at += max(size, 8)


def box_lengths_s(path: Path) -> dict[str, float]:
    """Return seconds by box, of the film and its one track; ``stts`` is the sum of its samples."""
    found = {kind.decode("latin1"): content for kind, content in boxes(path.read_bytes())}
    film, film_length = struct.unpack(">II", found["mvhd"][12:20])
    media, media_length = struct.unpack(">II", found["mdhd"][12:20])
    runs = struct.iter_unpack(">II", found["stts"][8:])
    return {
        "mvhd": film_length / film,
        "tkhd": int.from_bytes(found["tkhd"][20:24], "big") / film,
        "elst": int.from_bytes(found["elst"][8:12], "big") / film,
        "mdhd": media_length / media,
        "stts": sum(number * length for number, length in runs) / media,
    }
