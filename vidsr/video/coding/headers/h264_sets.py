"""H.264's parameter sets: what a slice header needs to be read (H.264 7.3.2)."""

from __future__ import annotations

from dataclasses import dataclass

from vidsr.video.bitstream.bits import Bits, EndOfBits

_HIGH = frozenset({100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135})


@dataclass(frozen=True)
class Sps:
    """The facts of a sequence parameter set, named as in the standard."""

    separate_planes: bool
    chroma: bool
    frame_num_bits: int
    poc_type: int
    poc_bits: int
    poc_always_zero: bool
    frames_only: bool


@dataclass(frozen=True)
class Pps:
    """The facts of a picture parameter set, named as in the standard."""

    sps: int
    cabac: bool
    poc_of_fields: bool
    references: tuple[int, int]
    weighted: bool
    weighted_pairs: bool
    qp: int
    redundant: bool


def read_sps(bits: Bits) -> tuple[int, Sps]:
    """Return a sequence parameter set and its number. Raises EndOfBits."""
    profile = bits.u(8)
    bits.u(16)
    number = bits.ue()
    chroma, separate = 1, False
    if profile in _HIGH:
        chroma = bits.ue()
        separate = chroma == 3 and bits.flag()
        bits.ue()
        bits.ue()
        bits.u(1)
        if bits.flag():
            _skip_scaling(bits, 12 if chroma == 3 else 8)
    frame_num_bits = bits.ue() + 4
    poc_type, poc_bits, always_zero = bits.ue(), 0, True
    if poc_type == 0:
        poc_bits = bits.ue() + 4
    elif poc_type == 1:
        always_zero = bits.flag()
        _skip_cycle(bits)
    bits.ue()
    bits.u(1)
    bits.ue()
    bits.ue()
    colour = chroma != 0 and not separate
    return number, Sps(
        separate, colour, frame_num_bits, poc_type, poc_bits, always_zero, bits.flag()
    )


def read_pps(bits: Bits) -> tuple[int, Pps]:
    """Return a picture parameter set and its number. Raises EndOfBits."""
    number, sps = bits.ue(), bits.ue()
    cabac, poc_of_fields = bits.flag(), bits.flag()
    if bits.ue():
        raise EndOfBits("expected one slice group, got several")
    references = bits.ue() + 1, bits.ue() + 1
    weighted, pairs = bits.flag(), bits.u(2) == 1
    qp = 26 + bits.se()
    bits.se()
    bits.se()
    bits.u(2)
    return number, Pps(sps, cabac, poc_of_fields, references, weighted, pairs, qp, bits.flag())


def _skip_scaling(bits: Bits, lists: int) -> None:
    for number in range(lists):
        if bits.flag():
            _skip_list(bits, 16 if number < 6 else 64)


def _skip_list(bits: Bits, size: int) -> None:
    last = 8
    for _ in range(size):
        last = (last + bits.se()) % 256
        if not last:  # the rest repeats
            return


def _skip_cycle(bits: Bits) -> None:
    bits.se()
    bits.se()
    count = bits.ue()
    if count > 255:
        raise EndOfBits(f"expected at most 255 pictures in a cycle, got {count}")
    for _ in range(count):
        bits.se()
