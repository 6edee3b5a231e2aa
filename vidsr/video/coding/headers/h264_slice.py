"""H.264's slice header up to the quantiser (H.264 7.3.3)."""

from __future__ import annotations

from collections.abc import Mapping

from vidsr.video.bitstream.bits import Bits, EndOfBits
from vidsr.video.coding.headers.h264_sets import Pps, Sps

_P, _B, _I, _SP, _SI = range(5)
_IDR = 5
_MOST_REFERENCES = 32


def read_slice_qp(
    bits: Bits, head: int, sps_list: Mapping[int, Sps], pps_list: Mapping[int, Pps]
) -> tuple[int, bool]:
    """Return the luma QP of a slice, without the offset of deep streams, and if it is a B slice.

    Args:
        bits: The slice header behind the unit's own.
        head: The unit's first byte.
        sps_list: Sequence parameter sets by number.
        pps_list: Picture parameter sets by number.

    Raises:
        EndOfBits: The header is cut short or makes no sense.
        KeyError: A parameter set is missing.
    """
    idr, referred = head & 31 == _IDR, bool(head & 0x60)
    bits.ue()
    kind = bits.ue() % 5
    pps = pps_list[bits.ue()]
    sps = sps_list[pps.sps]
    _skip_order(bits, sps, pps, idr)
    if kind == _B:
        bits.u(1)
    if kind in (_P, _SP, _B):
        _skip_inter(bits, kind, sps, pps)
    if referred:
        _skip_marking(bits, idr)
    if pps.cabac and kind not in (_I, _SI):
        bits.ue()
    return pps.qp + bits.se(), kind == _B


def _skip_order(bits: Bits, sps: Sps, pps: Pps, idr: bool) -> None:
    """Pass number, field and order of the picture."""
    bits.u(2 * sps.separate_planes + sps.frame_num_bits)
    field = not sps.frames_only and bits.flag()
    if field:
        bits.u(1)
    if idr:
        bits.ue()
    both = pps.poc_of_fields and not field
    bits.u(sps.poc_bits)
    if sps.poc_type == 0 and both:
        bits.se()
    if sps.poc_type == 1 and not sps.poc_always_zero:
        bits.se()
        if both:
            bits.se()
    if pps.redundant:
        bits.ue()


def _skip_inter(bits: Bits, kind: int, sps: Sps, pps: Pps) -> None:
    """Pass references and weights."""
    active = list(pps.references if kind == _B else pps.references[:1])
    if bits.flag():
        active = [bits.ue() + 1 for _ in active]
    if max(active) > _MOST_REFERENCES:
        raise EndOfBits(f"expected at most {_MOST_REFERENCES} references, got {max(active)}")
    for _ in active:
        if bits.flag():
            while bits.ue() != 3:
                bits.ue()
    if pps.weighted_pairs if kind == _B else pps.weighted:
        _skip_weights(bits, sps.chroma, active)


def _skip_weights(bits: Bits, chroma: bool, active: list[int]) -> None:
    bits.ue()
    if chroma:
        bits.ue()
    for size in active:
        for _ in range(size):
            for numbers in (2, 4)[: 1 + chroma]:
                if bits.flag():
                    for _ in range(numbers):
                        bits.se()


def _skip_marking(bits: Bits, idr: bool) -> None:
    if idr:
        bits.u(2)
        return
    if not bits.flag():
        return
    while operation := bits.ue():
        for _ in range({1: 1, 2: 1, 3: 2, 4: 1, 6: 1}.get(operation, 0)):
            bits.ue()
