"""HEVC's parameter sets: what a slice header needs to be read (HEVC 7.3.2)."""

from __future__ import annotations

from dataclasses import dataclass

from vidsr.video.bitstream.bits import Bits, EndOfBits

# Differences of picture order count: negative ones, nearest first, then positive ones.
RefSet = tuple[tuple[tuple[int, bool], ...], tuple[tuple[int, bool], ...]]
_MOST_SETS = 64
_MOST_PICTURES = 16


@dataclass(frozen=True)
class Sps:
    """The facts of a sequence parameter set, named as in the standard."""

    separate_planes: bool
    chroma: bool
    poc_bits: int
    offsets: bool
    ref_sets: tuple[RefSet, ...]
    long_term: bool
    long_term_used: tuple[bool, ...]
    temporal_vectors: bool


@dataclass(frozen=True)
class Pps:
    """The facts of a picture parameter set, named as in the standard."""

    sps: int
    output_flag: bool
    extra_bits: int
    cabac_init: bool
    references: tuple[int, int]
    qp: int
    weighted: tuple[bool, bool]
    lists_modified: bool


def read_sps(bits: Bits) -> tuple[int, Sps]:
    """Return a sequence parameter set and its number. Raises EndOfBits."""
    bits.u(4)
    layers = bits.u(3)
    bits.u(1)
    _skip_profile(bits, layers)
    number = bits.ue()
    chroma = bits.ue()
    separate = chroma == 3 and bits.flag()
    bits.ue()
    bits.ue()
    if bits.flag():
        _skip_numbers(bits, 4)
    _skip_numbers(bits, 2)
    poc_bits = bits.ue() + 4
    _skip_numbers(bits, 3 * (layers + 1 if bits.flag() else 1))
    _skip_numbers(bits, 6)
    if bits.flag() and bits.flag():
        _skip_scaling(bits)
    bits.u(1)
    offsets = bits.flag()
    if bits.flag():  # PCM
        bits.u(8)
        _skip_numbers(bits, 2)
        bits.u(1)
    sets = _read_ref_sets(bits)
    long_term = bits.flag()
    used = _read_long_term(bits, poc_bits) if long_term else ()
    colour = chroma != 0 and not separate
    return number, Sps(separate, colour, poc_bits, offsets, sets, long_term, used, bits.flag())


def read_pps(bits: Bits) -> tuple[int, Pps]:
    """Return a picture parameter set and its number. Raises EndOfBits."""
    number, sps = bits.ue(), bits.ue()
    bits.u(1)
    output, extra = bits.flag(), bits.u(3)
    bits.u(1)
    cabac_init = bits.flag()
    references = bits.ue() + 1, bits.ue() + 1
    qp = 26 + bits.se()
    bits.u(2)
    if bits.flag():
        bits.ue()
    _skip_numbers(bits, 2)
    bits.u(1)
    weighted = bits.flag(), bits.flag()
    bits.u(1)
    tiles = bits.flag()
    bits.u(1)
    if tiles:
        _skip_tiles(bits)
    bits.u(1)
    if bits.flag():  # deblocking
        bits.u(1)
        if not bits.flag():
            _skip_numbers(bits, 2)
    if bits.flag():
        _skip_scaling(bits)
    return number, Pps(sps, output, extra, cabac_init, references, qp, weighted, bits.flag())


def read_ref_set(bits: Bits, number: int, known: tuple[RefSet, ...], count: int) -> RefSet:
    """Return a set of short-term references. Raises EndOfBits.

    Args:
        bits: Where it begins.
        number: Its own number, ``count`` for that of a slice.
        known: The sets of lower numbers.
        count: How many the sequence has.
    """
    if number and bits.flag():
        return _predicted(bits, number, known, count)
    sizes = bits.ue(), bits.ue()
    if max(sizes) > _MOST_PICTURES:
        raise EndOfBits(f"expected at most {_MOST_PICTURES} references, got {max(sizes)}")
    negative, positive = (
        _read_deltas(bits, size, sign) for size, sign in zip(sizes, (-1, 1), strict=True)
    )
    return negative, positive


def _read_deltas(bits: Bits, size: int, sign: int) -> tuple[tuple[int, bool], ...]:
    entries, delta = [], 0
    for _ in range(size):
        delta += sign * (bits.ue() + 1)
        entries.append((delta, bits.flag()))
    return tuple(entries)


def _predicted(bits: Bits, number: int, known: tuple[RefSet, ...], count: int) -> RefSet:
    """Return a set that is given as another one, moved (HEVC 7.4.8)."""
    back = bits.ue() + 1 if number == count else 1
    sign = -1 if bits.flag() else 1
    moved = sign * (bits.ue() + 1)
    if back > number:
        raise EndOfBits(f"expected a set before number {number}, got {back} back")
    base = known[number - back]
    entries = [*base[0], *base[1], (0, True)]
    found = []
    for delta, _ in entries:
        used = bits.flag()
        if used or bits.flag():
            found.append((delta + moved, used))
    negative = sorted((e for e in found if e[0] < 0), reverse=True)
    positive = sorted(e for e in found if e[0] > 0)
    return tuple(negative), tuple(positive)


def _read_ref_sets(bits: Bits) -> tuple[RefSet, ...]:
    count = bits.ue()
    if count > _MOST_SETS:
        raise EndOfBits(f"expected at most {_MOST_SETS} sets of references, got {count}")
    sets: tuple[RefSet, ...] = ()
    for number in range(count):
        sets = (*sets, read_ref_set(bits, number, sets, count))
    return sets


def _read_long_term(bits: Bits, poc_bits: int) -> tuple[bool, ...]:
    count = bits.ue()
    if count > 32:
        raise EndOfBits(f"expected at most 32 long-term references, got {count}")
    return tuple(bool(bits.u(poc_bits + 1) & 1) for _ in range(count))


def _skip_numbers(bits: Bits, count: int) -> None:
    for _ in range(count):
        bits.ue()


def _skip_profile(bits: Bits, layers: int) -> None:
    bits.u(96)
    present = [(bits.flag(), bits.flag()) for _ in range(layers)]
    if layers:
        bits.u(2 * (8 - layers))
    for profile, level in present:
        bits.u(88 * profile + 8 * level)


def _skip_scaling(bits: Bits) -> None:
    for size in range(4):
        for _ in range(2 if size == 3 else 6):
            if not bits.flag():
                bits.ue()
                continue
            _skip_numbers(bits, min(64, 1 << (4 + 2 * size)) + (size > 1))


def _skip_tiles(bits: Bits) -> None:
    columns, rows = bits.ue(), bits.ue()
    if columns + rows > 64:
        raise EndOfBits(f"expected at most 64 tiles, got {columns + rows}")
    if not bits.flag():
        _skip_numbers(bits, columns + rows)
    bits.u(1)
