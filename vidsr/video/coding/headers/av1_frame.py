"""AV1's frame header up to the quantiser (AV1 5.9)."""

from __future__ import annotations

from dataclasses import dataclass

from vidsr.video.bitstream.bits import Bits, EndOfBits
from vidsr.video.coding.headers.av1_sequence import SELECT, Sequence

_KEY, _INTRA_ONLY, _SWITCH = 0, 2, 3
_ALL = 255
_REFERENCES = 7
_NO_PRIMARY = 7


@dataclass(frozen=True)
class Shown:
    """A frame header.

    Attributes:
        index: Its quantiser index, None where it shows a frame that is there already.
        existing: Number of the reference that it shows, None where it is a frame of its own.
        shown: True if the frame is shown at once.
        refresh: References that it replaces, a bit each.
    """

    index: int | None
    existing: int | None
    shown: bool
    refresh: int


def read_frame(data: bytes, sequence: Sequence, layers: tuple[int, int]) -> Shown:
    """Return the facts of a frame header.

    Args:
        data: The header, from its first byte on.
        sequence: The sequence header that holds.
        layers: Temporal and spatial layer of the OBU.

    Raises:
        EndOfBits: The header is cut short, or takes its size from a reference.
    """
    bits, s = Bits(data), sequence
    kind, shown, resilient = _KEY, True, True
    if not s.reduced:
        if bits.flag():
            return Shown(None, bits.u(3), True, 0)
        kind, shown = bits.u(2), bits.flag()
        if shown:
            bits.u(s.timing.presentation_bits)
        else:
            bits.u(1)
        resilient = kind == _SWITCH or (kind == _KEY and shown) or bits.flag()
    intra = kind in (_KEY, _INTRA_ONLY)
    static = bits.flag()  # disable_cdf_update
    screen, whole = _read_screen(bits, s)
    bits.u(s.frame_id_bits)
    override = kind == _SWITCH or (not s.reduced and bits.flag())
    bits.u(s.order_hint_bits)
    if not (intra or resilient):
        bits.u(3)
    _skip_removal(bits, s, layers)
    refresh = _ALL if kind == _SWITCH or (kind == _KEY and shown) else bits.u(8)
    if (not intra or refresh != _ALL) and resilient and s.order_hint_bits:
        bits.u(8 * s.order_hint_bits)
    if intra:
        width, height, scaled = _read_size(bits, s, override)
        if screen and not scaled:
            bits.u(1)  # allow_intrabc
    else:
        width, height = _read_inter(bits, s, override, resilient, whole)
    if not (s.reduced or static):
        bits.u(1)  # disable_frame_end_update_cdf
    _skip_tiles(bits, s, width, height)
    return Shown(bits.u(8), None, shown, refresh)


def _read_screen(bits: Bits, s: Sequence) -> tuple[bool, bool]:
    """Return whether screen content tools are on, and vectors whole."""
    screen = bits.flag() if s.screen_content == SELECT else bool(s.screen_content)
    if not screen:
        return False, False
    return True, bits.flag() if s.whole_vectors == SELECT else bool(s.whole_vectors)


def _skip_removal(bits: Bits, s: Sequence, layers: tuple[int, int]) -> None:
    """Pass the times at which operating points remove the frame."""
    if not s.timing.delay_bits or not bits.flag():
        return
    temporal, spatial = layers
    for idc in s.modelled:
        if idc == 0 or (idc >> temporal & 1 and idc >> (spatial + 8) & 1):
            bits.u(s.timing.removal_bits)


def _read_size(bits: Bits, s: Sequence, override: bool) -> tuple[int, int, bool]:
    """Return width and height as coded, and whether the width is scaled up afterwards."""
    width, height = s.width, s.height
    if override:
        width, height = bits.u(s.width_bits) + 1, bits.u(s.height_bits) + 1
    scaled = s.superres and bits.flag()
    if scaled:
        denominator = bits.u(3) + 9
        width = (width * 8 + denominator // 2) // denominator
    if bits.flag():  # render size
        bits.u(32)
    return width, height, scaled


def _read_inter(
    bits: Bits, s: Sequence, override: bool, resilient: bool, whole: bool
) -> tuple[int, int]:
    short = s.order_hint_bits > 0 and bits.flag()
    if short:
        bits.u(6)
    for _ in range(_REFERENCES):
        if not short:
            bits.u(3)
        bits.u(s.delta_id_bits)
    if override and not resilient:
        raise EndOfBits("expected a size of its own, got that of a reference")
    width, height, _ = _read_size(bits, s, override)
    if not whole:
        bits.u(1)  # allow_high_precision_mv
    if not bits.flag():
        bits.u(2)  # interpolation filter
    bits.u(1)  # is_motion_mode_switchable
    if not resilient and s.ref_frame_mvs:
        bits.u(1)
    return width, height


def _skip_tiles(bits: Bits, s: Sequence, width: int, height: int) -> None:
    shift = 5 if s.large_blocks else 4
    columns, rows = (_blocks(side, shift) for side in (width, height))
    widest = 4096 >> (shift + 2)
    largest = (4096 * 2304) >> (2 * (shift + 2))
    least_columns = _log2(widest, columns)
    least = max(least_columns, _log2(largest, rows * columns))
    if bits.flag():  # uniform
        column_bits = _count_up(bits, least_columns, _log2(1, min(columns, 64)))
        row_bits = _count_up(bits, max(least - column_bits, 0), _log2(1, min(rows, 64)))
    else:
        column_count, widest_tile = _read_tile_sides(bits, columns, widest)
        column_bits = _log2(1, column_count)
        area = rows * columns >> (least + 1) if least else rows * columns
        row_count, _ = _read_tile_sides(bits, rows, max(area // widest_tile, 1))
        row_bits = _log2(1, row_count)
    if column_bits or row_bits:
        bits.u(column_bits + row_bits + 2)


def _blocks(side: int, shift: int) -> int:
    units = 2 * ((side + 7) >> 3)
    return (units + (1 << shift) - 1) >> shift


def _log2(unit: int, target: int) -> int:
    """Return the least k with ``unit << k`` of at least ``target``."""
    k = 0
    while unit << k < target:
        k += 1
    return k


def _count_up(bits: Bits, least: int, most: int) -> int:
    while least < most and bits.flag():
        least += 1
    return least


def _read_tile_sides(bits: Bits, blocks: int, most: int) -> tuple[int, int]:
    """Return how many tiles lie side by side, and the widest of them in blocks."""
    count, widest, start = 0, 1, 0
    while start < blocks:
        side = bits.below(min(blocks - start, most)) + 1
        count, widest, start = count + 1, max(widest, side), start + side
    return count, widest
