"""Bits of a header, one after another."""

from __future__ import annotations


class EndOfBits(ValueError):
    """Bits that were asked for and are not there, or that make no number."""


class Bits:
    """A reader of the bits of a few hundred bytes, the highest of each byte first."""

    def __init__(self, data: bytes) -> None:
        self._value = int.from_bytes(data, "big")
        self._left = 8 * len(data)

    def u(self, count: int) -> int:
        """Return the next ``count`` bits as a number. Raises EndOfBits."""
        if count > self._left or count < 0:
            raise EndOfBits(f"expected {count} more bits, got {self._left}")
        self._left -= count
        return (self._value >> self._left) & ((1 << count) - 1)

    def flag(self) -> bool:
        """Return the next bit. Raises EndOfBits."""
        return self.u(1) == 1

    def ue(self) -> int:
        """Return the next Exp-Golomb number without a sign. Raises EndOfBits."""
        zeros = 0
        while not self.flag():
            zeros += 1
            if zeros > 32:
                raise EndOfBits("expected a number below 2 ** 32")
        return (1 << zeros) - 1 + self.u(zeros)

    def se(self) -> int:
        """Return the next Exp-Golomb number with a sign. Raises EndOfBits."""
        number = self.ue()
        return (number + 1) // 2 if number % 2 else -(number // 2)

    def below(self, limit: int) -> int:
        """Return the next number of 0 to ``limit - 1`` in as few bits as AV1's ns(n) takes."""
        width = limit.bit_length()
        short = (1 << width) - limit
        number = self.u(width - 1)
        return number if number < short else (number << 1) - short + self.u(1)


def leb128(data: bytes, at: int) -> tuple[int, int]:
    """Return a number of 7 bits a byte, lowest first, and the place behind it."""
    number = 0
    for shift in range(0, 56, 7):
        byte = data[at] if at < len(data) else 0
        number, at = number | (byte & 127) << shift, at + 1
        if not byte & 128:
            break
    return number, at
