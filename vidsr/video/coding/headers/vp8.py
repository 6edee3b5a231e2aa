"""The quantiser of VP8: a number in each frame's header (RFC 6386, 9 and 19.2)."""

from __future__ import annotations

from itertools import accumulate, chain, repeat

# The table of the AC coefficients: (increment, how many times in a row), from 4 on.
_RUNS = ((1, 54), (2, 29), (3, 19), (4, 14), (5, 2), (6, 1), (4, 1), (5, 7))
_AC = tuple(accumulate(chain.from_iterable(repeat(*run) for run in _RUNS), initial=4))
# The transform is scaled by two against an orthonormal one.
_SCALE = 2
_KEY_BYTES, _INTER_BYTES = 10, 3
_HEADER_BYTES = 64


class _BoolReader:
    """A reader of bits that are coded with a probability of one half (RFC 6386, 7)."""

    def __init__(self, data: bytes) -> None:
        self._rest = iter(data)
        self._value = (next(self._rest, 0) << 8) | next(self._rest, 0)
        self._range, self._shifts = 255, 0

    def flag(self) -> bool:
        """Return the next bit; zeros follow the end."""
        split = 1 + ((self._range - 1) >> 1)
        one = self._value >= split << 8
        if one:
            self._range -= split
            self._value -= split << 8
        else:
            self._range = split
        while self._range < 128:
            self._value, self._range = self._value << 1, self._range << 1
            self._shifts += 1
            if self._shifts == 8:
                self._shifts = 0
                self._value |= next(self._rest, 0)
        return one

    def number(self, bits: int) -> int:
        """Return the next number, its highest bit first."""
        value = 0
        for _ in range(bits):
            value = 2 * value + self.flag()
        return value

    def skip_optional(self, *bits: int) -> None:
        """Pass numbers that are there only behind a set flag of their own."""
        for each in bits:
            if self.flag():
                self.number(each)


class Vp8Headers:
    """The reader of VP8's headers; segments with quantisers of their own are not told apart."""

    bidirectional = False

    def step(self, data: bytes) -> float | None:
        """Return the step of a packet's frame, None for one that is too short."""
        index = quantiser_index(data)
        return None if index is None else _AC[index] / _SCALE


def quantiser_index(data: bytes) -> int | None:
    """Return the quantiser index of a frame, 0 to 127; None for one that is too short."""
    if len(data) <= _INTER_BYTES:
        return None
    key = not data[0] & 1
    start = _KEY_BYTES if key else _INTER_BYTES
    if len(data) <= start or (key and data[3:6] != b"\x9d\x01\x2a"):
        return None
    bits = _BoolReader(data[start : start + _HEADER_BYTES])
    if key:
        bits.number(2)  # colour space, clamping
    if bits.flag():
        _skip_segments(bits)
    bits.number(1 + 6 + 3)  # loop filter: type, level, sharpness
    if bits.flag() and bits.flag():  # its adjustments, and that they change
        bits.skip_optional(*(7,) * 8)
    bits.number(2)  # partitions
    return bits.number(7)


def _skip_segments(bits: _BoolReader) -> None:
    new_map, new_data = bits.flag(), bits.flag()
    if new_data:
        bits.flag()  # absolute or relative
        bits.skip_optional(8, 8, 8, 8)  # quantisers: seven bits and a sign
        bits.skip_optional(7, 7, 7, 7)  # levels of the loop filter
    if new_map:
        bits.skip_optional(8, 8, 8)
