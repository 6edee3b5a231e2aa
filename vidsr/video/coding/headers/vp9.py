"""The quantiser of VP9: the uncompressed header of each packet's shown frame (VP9 6.1, 6.2)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from vidsr.video.bitstream.bits import Bits, EndOfBits
from vidsr.video.coding.headers.steps import vp9_steps

_SYNC, _SRGB = 0x498342, 7
_HEADER_BYTES = 40
_MARKER = 0b110  # the highest bits of a superframe's last byte


@dataclass(frozen=True)
class _Header:
    """What is read of one frame.

    Attributes:
        index: Its ``base_q_idx``, or that of the reference that it shows.
        refresh: Bits of the references that it replaces.
        shown: True if it is shown.
    """

    index: int | None
    refresh: int
    shown: bool


class Vp9Headers:
    """The reader of VP9's headers, which remembers the quantiser of each reference.

    Segments with quantisers of their own are not told apart.
    """

    bidirectional = False

    def __init__(self) -> None:
        self._references: list[int | None] = [None] * 8
        self._depth = 8

    def step(self, data: bytes) -> float | None:
        """Return the step of the frame that a packet shows, None where it cannot be read."""
        index = self.quantiser_index(data)
        return None if index is None else float(vp9_steps(index, self._depth))

    def quantiser_index(self, data: bytes) -> int | None:
        """Return ``base_q_idx``, 0 to 255, of the frame that a packet shows."""
        index = None
        for frame in _frames(data):
            try:
                header = self._read(Bits(frame[:_HEADER_BYTES]))
            except EndOfBits:
                self._references = [None] * 8
                return None
            for slot in range(8):
                if header.refresh >> slot & 1:
                    self._references[slot] = header.index
            index = header.index if header.shown else index
        return index

    def _read(self, bits: Bits) -> _Header:
        if bits.u(2) != 2:
            raise EndOfBits("expected a frame's marker")
        profile = bits.u(1) + 2 * bits.u(1)
        if profile == 3:
            bits.u(1)
        if bits.flag():
            return _Header(self._references[bits.u(3)], 0, True)
        key, shown, resilient = not bits.flag(), bits.flag(), bits.flag()
        refresh = self._read_intra(bits, profile) if key else None
        if refresh is None:
            refresh = self._read_inter(bits, profile, shown=shown, resilient=resilient)
        bits.u((0 if resilient else 2) + 2)  # contexts
        _skip_loop_filter(bits)
        return _Header(bits.u(8), refresh, shown)

    def _read_intra(self, bits: Bits, profile: int) -> int:
        self._check_sync(bits)
        self._read_color(bits, profile)
        _skip_size(bits)
        return 0xFF

    def _read_inter(self, bits: Bits, profile: int, *, shown: bool, resilient: bool) -> int:
        intra_only = not shown and bits.flag()
        bits.u(0 if resilient else 2)
        if intra_only:
            self._check_sync(bits)
            if profile:
                self._read_color(bits, profile)
            refresh = bits.u(8)
            _skip_size(bits)
            return refresh
        refresh = bits.u(8)
        bits.u(3 * 4)
        if not any(bits.flag() for _ in range(3)):  # the first reference of the same size
            bits.u(32)
        if bits.flag():
            bits.u(32)
        bits.u(1)
        if not bits.flag():
            bits.u(2)
        return refresh

    def _check_sync(self, bits: Bits) -> None:
        if bits.u(24) != _SYNC:
            raise EndOfBits("expected VP9's sync code")

    def _read_color(self, bits: Bits, profile: int) -> None:
        self._depth = (12 if bits.flag() else 10) if profile >= 2 else 8
        if bits.u(3) != _SRGB:
            bits.u(1)
            bits.u(3 if profile & 1 else 0)
        elif profile & 1:
            bits.u(1)


def _skip_size(bits: Bits) -> None:
    bits.u(32)
    if bits.flag():
        bits.u(32)


def _skip_loop_filter(bits: Bits) -> None:
    bits.u(6 + 3)
    if bits.flag() and bits.flag():  # its adjustments, and that they change
        for _ in range(4 + 2):
            if bits.flag():
                bits.u(7)


def _frames(data: bytes) -> Iterator[bytes]:
    """Yield the frames of a packet: several of a superframe, whose index is at its end."""
    last = data[-1] if data else 0
    count, width = (last & 7) + 1, (last >> 3 & 3) + 1
    index = 2 + count * width
    if last >> 5 != _MARKER or len(data) < index or data[-index] != last:
        yield data
        return
    at = 0
    for n in range(count):
        start = len(data) - index + 1 + n * width
        size = int.from_bytes(data[start : start + width], "little")
        if size:
            yield data[at : at + size]
        at += size
