"""HEVC's slice header up to the quantiser (HEVC 7.3.6)."""

from __future__ import annotations

from collections.abc import Mapping

from vidsr.video.bitstream.bits import Bits, EndOfBits
from vidsr.video.coding.headers.hevc_sets import Pps, RefSet, Sps, read_ref_set

_B, _P = 0, 1
_IDR = (19, 20)
_RANDOM_ACCESS = range(16, 24)
_MOST_REFERENCES = 16


def read_slice_qp(
    bits: Bits, unit: int, sps_list: Mapping[int, Sps], pps_list: Mapping[int, Pps]
) -> tuple[int, bool]:
    """Return the luma QP of a picture's first slice, and if it is a B slice.

    Args:
        bits: The slice header behind the unit's own.
        unit: The type of the NAL unit.
        sps_list: Sequence parameter sets by number.
        pps_list: Picture parameter sets by number.

    Raises:
        EndOfBits: The header is cut short, or no first one.
        KeyError: A parameter set is missing.
    """
    if not bits.flag():
        raise EndOfBits("expected the first slice of a picture")
    if unit in _RANDOM_ACCESS:
        bits.u(1)
    pps = pps_list[bits.ue()]
    sps = sps_list[pps.sps]
    bits.u(pps.extra_bits)
    kind = bits.ue()
    bits.u(pps.output_flag + 2 * sps.separate_planes)
    total, temporal = (0, False) if unit in _IDR else _read_references(bits, sps)
    if sps.offsets:
        bits.u(1 + sps.chroma)
    if kind in (_P, _B):
        _skip_inter(bits, kind, sps, pps, total, temporal)
    return pps.qp + bits.se(), kind == _B


def _read_references(bits: Bits, sps: Sps) -> tuple[int, bool]:
    """Return how many references there are, and whether vectors are taken from one."""
    bits.u(sps.poc_bits)
    count = len(sps.ref_sets)
    if not bits.flag():
        chosen = read_ref_set(bits, count, sps.ref_sets, count)
    else:
        chosen = sps.ref_sets[bits.u((count - 1).bit_length())] if count else ((), ())
    total = _used(chosen) + (_read_long_term(bits, sps) if sps.long_term else 0)
    return total, sps.temporal_vectors and bits.flag()


def _used(chosen: RefSet) -> int:
    return sum(used for side in chosen for _, used in side)


def _read_long_term(bits: Bits, sps: Sps) -> int:
    known = len(sps.long_term_used)
    listed = bits.ue() if known else 0
    count, used = listed + bits.ue(), 0
    if count > _MOST_REFERENCES:
        raise EndOfBits(f"expected at most {_MOST_REFERENCES} references, got {count}")
    for i in range(count):
        if i < listed:
            index = bits.u((known - 1).bit_length())
            used += index < known and sps.long_term_used[index]
        else:
            used += bits.u(sps.poc_bits + 1) & 1
        if bits.flag():
            bits.ue()
    return used


def _skip_inter(bits: Bits, kind: int, sps: Sps, pps: Pps, total: int, temporal: bool) -> None:
    """Pass what only P and B slices have."""
    active = list(pps.references if kind == _B else pps.references[:1])
    if bits.flag():
        active = [bits.ue() + 1 for _ in active]
    if max(active) > _MOST_REFERENCES:
        raise EndOfBits(f"expected at most {_MOST_REFERENCES} references, got {max(active)}")
    if pps.lists_modified and total > 1:
        for size in active:
            if bits.flag():
                bits.u(size * (total - 1).bit_length())
    bits.u((kind == _B) + pps.cabac_init)
    if temporal:
        second = kind == _B and not bits.flag()
        if active[int(second)] > 1:
            bits.ue()
    if pps.weighted[kind == _B]:
        _skip_weights(bits, sps.chroma, active)
    bits.ue()  # merge candidates


def _skip_weights(bits: Bits, chroma: bool, active: list[int]) -> None:
    bits.ue()
    if chroma:
        bits.se()
    for size in active:
        luma = [bits.flag() for _ in range(size)]
        colour = [chroma and bits.flag() for _ in range(size)]
        for has_luma, has_colour in zip(luma, colour, strict=True):
            for _ in range(2 * has_luma + 4 * has_colour):
                bits.se()
