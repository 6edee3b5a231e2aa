"""A reader of bits, for the first bytes of coded pictures."""

from __future__ import annotations


class Bits:
    """A cursor over bits, highest first; behind the end all bits are zero.

    Args:
        data: The bytes.
    """

    def __init__(self, data: bytes) -> None:
        self._number, self._length = int.from_bytes(data, "big"), 8 * len(data)
        self._at = 0

    def read(self, count: int) -> int:
        """Return the next ``count`` bits as a number."""
        self._at += count
        shift = self._length - self._at
        moved = self._number >> shift if shift >= 0 else self._number << -shift
        return moved & ((1 << count) - 1)

    def read_golomb(self) -> int:
        """Return an unsigned Exp-Golomb number (H.264, 9.1)."""
        zeros = 0
        while zeros < 32 and not self.read(1):
            zeros += 1
        return (1 << zeros) - 1 + self.read(zeros)
