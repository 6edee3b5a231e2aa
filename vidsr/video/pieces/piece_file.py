"""A piece as a file: coded frames with their times, which is whole or is not there.

    one line   JSON: what ``PieceHead`` holds
    records    of each frame: pts, dts, duration (int64), size (uint32), key (uint8); little-endian
    data       the frames' bytes, one after the other
    digest     SHA-256 of everything before, 32 bytes

No container keeps all of it: Matroska rounds times, NUT forgets durations, MP4 rewrites H.264.
"""

from __future__ import annotations

import hashlib
import json
import os
import struct
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from tempfile import SpooledTemporaryFile
from typing import Any

from vidsr.picture.coding_record import CodingRecord
from vidsr.video.folders.plain_files import open_plain, placed_whole
from vidsr.video.pieces.frame_log import Origin

FORMAT = 1
_RECORD = struct.Struct("<qqqIB")
_DIGEST_BYTES = 32
_CHUNK = 1 << 20
MOST_HEAD_BYTES = 1 << 16
MOST_HELD_BYTES = 1 << 26  # of coded frames in memory: more of a piece lies on disk


@dataclass(frozen=True)
class CodedFrame:
    """One coded frame, with times in units of the target's time base."""

    data: bytes
    pts: int
    dts: int
    duration: int
    key: bool


@dataclass(frozen=True)
class PieceHead:
    """The description of a piece.

    Args:
        piece: Its number.
        frames: Its frames.
        data_bytes: The bytes of its frames.
        first_pts: The time of its first frame shown, None for a piece without frames.
        last_pts: The time of its last frame shown.
        parameters: SHA-256 of the encoder's parameter sets, which all pieces share.
        precision: The numbers of the network that made it.
        engine: The runtime of the network that made it.
        elapsed_s: Seconds that it took.
        origin: What its frames were made of.
        format: Version of the format.
    """

    piece: int
    frames: int
    data_bytes: int
    first_pts: int | None
    last_pts: int | None
    parameters: str
    precision: str = ""
    engine: str = ""
    elapsed_s: float = 0.0
    origin: Origin = field(default_factory=Origin)
    format: int = FORMAT


def write_piece(path: Path, head: PieceHead, frames: Iterable[CodedFrame]) -> None:
    """Write a piece so that it is whole under its name or not there at all. Raises OSError.

    ``frames`` are gone through twice.
    """
    digest = hashlib.sha256()
    with placed_whole(path) as file:

        def put(data: bytes) -> None:
            digest.update(data)
            file.write(data)

        put(json.dumps(asdict(head)).encode() + b"\n")
        for one in frames:
            put(_RECORD.pack(one.pts, one.dts, one.duration, len(one.data), one.key))
        for one in frames:
            put(one.data)
        file.write(digest.digest())


class Spool:
    """Coded frames until their piece is whole, on disk where they are large. Raises OSError.

    A piece of 250 frames of lossless video in 4K takes gigabytes.
    """

    def __init__(self, folder: Path) -> None:
        self._file = SpooledTemporaryFile(MOST_HELD_BYTES, suffix=".part", dir=str(folder))  # noqa: SIM115
        self._records: list[tuple[int, int, int, int, bool]] = []
        self.data_bytes = 0

    def append(self, one: CodedFrame) -> None:
        """Keep a frame."""
        self._file.write(one.data)
        self._records.append((one.pts, one.dts, one.duration, len(one.data), one.key))
        self.data_bytes += len(one.data)

    @property
    def times(self) -> list[int]:
        """The times of the frames, in decoding order."""
        return [record[0] for record in self._records]

    def __iter__(self) -> Iterator[CodedFrame]:
        self._file.seek(0)
        for pts, dts, duration, size, key in self._records:
            yield CodedFrame(self._file.read(size), pts, dts, duration, key)

    def close(self) -> None:
        """Give the frames up. May be called twice."""
        self._file.close()


class PieceFile:
    """A finished piece for reading, its frames in decoding order. Raises ValueError, OSError.

    Every number in it is held against the size of the file before anything is read by it.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        with open_plain(path) as file:
            line = file.readline(MOST_HEAD_BYTES)
            self.head = read_head(line, os.fstat(file.fileno()).st_size)
            size = self.head.frames * _RECORD.size
            self._begin = len(line) + size
            self._records = [*_RECORD.iter_unpack(file.read(size))]
        if sum(record[3] for record in self._records) != self.head.data_bytes:
            raise ValueError("its frames do not fill it")

    @property
    def times(self) -> list[int]:
        """The times of its frames, in decoding order."""
        return [record[0] for record in self._records]

    def check(self) -> None:
        """Raise ValueError where a byte has changed since it was written, or times repeat."""
        if len(set(self.times)) < len(self._records):
            raise ValueError("two of its frames are shown at the same time")
        digest = hashlib.sha256()
        with open_plain(self.path) as file:
            left = os.fstat(file.fileno()).st_size - _DIGEST_BYTES
            while left > 0 and (chunk := file.read(min(_CHUNK, left))):
                digest.update(chunk)
                left -= len(chunk)
            if file.read() != digest.digest():
                raise ValueError("its digest is wrong")

    def __iter__(self) -> Iterator[CodedFrame]:
        with open_plain(self.path) as file:
            file.seek(self._begin)
            for pts, dts, duration, size, key in self._records:
                yield CodedFrame(file.read(size), pts, dts, duration, bool(key))


def read_head(beginning: bytes, size_bytes: int) -> PieceHead:
    """Return the head of a piece. Raises ValueError.

    Args:
        beginning: The first bytes of its file, ``MOST_HEAD_BYTES`` or all.
        size_bytes: The size of its file.
    """
    line = beginning[: beginning.find(b"\n") + 1] or beginning
    head = _head(line)
    if size_bytes != len(line) + head.frames * _RECORD.size + head.data_bytes + _DIGEST_BYTES:
        raise ValueError("its size is wrong")
    return head


# What comes of reading words that are no head, whatever they are.
_UNREADABLE = (TypeError, ValueError, KeyError, AttributeError, OverflowError, RecursionError)


def _head(line: bytes) -> PieceHead:
    try:
        stored = json.loads(line)
        origin = stored.pop("origin", None)
        head = PieceHead(**stored, origin=Origin() if origin is None else _origin(origin))
    except _UNREADABLE as error:
        raise ValueError("its head cannot be read") from error
    numbers = (head.piece, head.frames, head.data_bytes)
    if head.format != FORMAT or any(type(n) is not int or n < 0 for n in numbers):
        raise ValueError("its head is of another version")
    words = (head.parameters, head.precision, head.engine)
    if not all(type(word) is str for word in words) or not _is_time(head.elapsed_s):
        raise ValueError("its head cannot be read")
    return head


def _origin(stored: dict[str, Any]) -> Origin:
    """Return an origin as JSON has it. Raises an error of any kind for what is none."""
    coding, strengths = CodingRecord.from_json(stored["coding"]), stored["strengths"]
    counts = (*coding.buckets.values(), *coding.basis.values(), *strengths.values())
    names = (*coding.basis, *map(str, map(int, strengths)))
    ends = [end for end in (coding.lowest, coding.highest) if end is not None]
    counted = all(type(count) is int and count >= 0 for count in counts)
    if not (counted and all(map(_is_time, ends)) and all(type(name) is str for name in names)):
        raise ValueError("expected counts of frames")
    return Origin(coding, {str(int(step)): frames for step, frames in strengths.items()})


MOST_S = 1e9  # thirty years, for one piece


def _is_time(value: object) -> bool:
    return type(value) in (int, float) and 0 <= value < MOST_S  # type: ignore[operator]
