"""Pictures with their number burnt in: order, losses and latency, read from what comes out.

24 bits and their parity are squares of 16x16 luma samples, 16 for 0 and 235 for 1, from left to
right and then downwards; a bar moves below them. A square is read from its middle, so that the
number survives coding, and upscaling too. Nothing but the standard library draws, so that servers
on another interpreter can.
"""

from __future__ import annotations

import mmap
import struct
import time
from pathlib import Path
from typing import Any

BITS = 24
SQUARE = 16
LOW, HIGH = 16, 235
SIZE = (160, 96)  # multiples of 16: every encoder and every packetiser takes them
_STAMPS = 1 << 16


def draw(number: int, size: tuple[int, int] = SIZE) -> bytes:
    """Return picture ``number`` as yuv420p: a Y plane, a U plane and a V plane without gaps."""
    width, height = size
    across = width // SQUARE
    squares = _squares(number)
    lines = []
    for begin in range(0, len(squares), across):
        row = b"".join(bytes((level,)) * SQUARE for level in squares[begin : begin + across])
        lines += [row + bytes((LOW,)) * (width - len(row))] * SQUARE
    at = 4 * number % width
    bar = bytes((90,)) * at + bytes((180,)) * 8 + bytes((90,)) * width
    lines += [bar[:width]] * (height - len(lines))
    assert len(lines) == height, f"expected room for {len(squares)} squares, got {size}"
    half = (width + 1) // 2 * ((height + 1) // 2)
    return b"".join(lines) + bytes((128,)) * (2 * half)


def read(luma: Any, scale: int = 1) -> int | None:
    """Return the number of a picture, None where it cannot be read.

    Args:
        luma: ``[h, w]`` array or tensor of 8 bits, limited range.
        scale: How many times larger the picture is than the one drawn.
    """
    side = SQUARE * scale
    across, middle = luma.shape[1] // side, slice(side // 4, side - side // 4)
    number = parity = 0
    for index in range(BITS + 1):
        top, left = index // across * side, index % across * side
        square = luma[top : top + side, left : left + side]
        bit = int(float(square[middle, middle].sum()) / (side // 2) ** 2 > (LOW + HIGH) / 2)
        parity ^= bit
        if index < BITS:
            number = number << 1 | bit
    return None if parity else number


def _squares(number: int) -> list[int]:
    bits = [number >> shift & 1 for shift in reversed(range(BITS))]
    return [HIGH if bit else LOW for bit in (*bits, sum(bits) & 1)]


class Stamps:
    """The monotonic time at which each picture was given to its encoder, shared through a file."""

    def __init__(self, path: Path) -> None:
        with path.open("a+b") as file:
            file.truncate(8 * _STAMPS)
            self._map = mmap.mmap(file.fileno(), 8 * _STAMPS)

    def note(self, number: int) -> None:
        """Write down that picture ``number`` is given to its encoder now."""
        struct.pack_into("d", self._map, 8 * (number % _STAMPS), time.monotonic())

    def at(self, number: int) -> float:
        """Return when picture ``number`` was; 0 for never."""
        moment: float = struct.unpack_from("d", self._map, 8 * (number % _STAMPS))[0]
        return moment
