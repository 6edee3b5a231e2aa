"""AV1's sequence header: what a frame header needs to be read (AV1 5.5)."""

from __future__ import annotations

from dataclasses import dataclass

from vidsr.video.bitstream.bits import Bits

SELECT = 2  # "each frame says", of screen content tools and of whole motion vectors
_SRGB = (1, 13, 0)


@dataclass(frozen=True)
class _Timing:
    """Lengths in bits of what frames say of their timing; 0 where they say nothing."""

    presentation_bits: int = 0
    removal_bits: int = 0
    delay_bits: int = 0


@dataclass(frozen=True)
class Sequence:
    """The facts of a sequence header, named as in the standard."""

    reduced: bool
    timing: _Timing
    # For each operating point with a decoder model: its idc.
    modelled: tuple[int, ...]
    width_bits: int
    height_bits: int
    width: int
    height: int
    frame_id_bits: int
    delta_id_bits: int
    large_blocks: bool
    order_hint_bits: int
    ref_frame_mvs: bool
    screen_content: int
    whole_vectors: int
    superres: bool
    depth: int


def read_sequence(data: bytes) -> Sequence:
    """Return the facts of a sequence header OBU's payload. Raises EndOfBits."""
    bits = Bits(data)
    profile = bits.u(3)
    bits.u(1)
    reduced = bits.flag()
    if reduced:
        bits.u(5)
    timing, modelled = (_Timing(), ()) if reduced else _read_points(bits)
    width_bits, height_bits = bits.u(4) + 1, bits.u(4) + 1
    width, height = bits.u(width_bits) + 1, bits.u(height_bits) + 1
    delta_id_bits = frame_id_bits = 0
    if not reduced and bits.flag():
        delta_id_bits = bits.u(4) + 2
        frame_id_bits = bits.u(3) + delta_id_bits + 1
    large_blocks = bits.flag()
    bits.u(2)
    tools = (0, False, SELECT, SELECT) if reduced else _read_tools(bits)
    superres = bits.flag()
    bits.u(2)
    return Sequence(
        reduced,
        timing,
        modelled,
        width_bits,
        height_bits,
        width,
        height,
        frame_id_bits,
        delta_id_bits,
        large_blocks,
        *tools,
        superres,
        _read_depth(bits, profile),
    )


def _read_points(bits: Bits) -> tuple[_Timing, tuple[int, ...]]:
    """Read timing and operating points."""
    timing, equal, modelled = _Timing(), False, []
    if bits.flag():  # timing_info
        bits.u(64)
        equal = bits.flag()
        if equal:
            _skip_uvlc(bits)
        if bits.flag():  # decoder_model_info
            delay = bits.u(5) + 1
            bits.u(32)
            removal, presentation = bits.u(5) + 1, bits.u(5) + 1
            timing = _Timing(0 if equal else presentation, removal, delay)
    delays = bits.flag()
    for _ in range(bits.u(5) + 1):
        idc = bits.u(12)
        if bits.u(5) > 7:
            bits.u(1)
        if timing.delay_bits and bits.flag():
            bits.u(2 * timing.delay_bits + 1)
            modelled.append(idc)
        if delays and bits.flag():
            bits.u(4)
    return timing, tuple(modelled)


def _skip_uvlc(bits: Bits) -> None:
    zeros = 0
    while not bits.flag():
        zeros += 1
    bits.u(zeros if zeros < 32 else 0)


def _read_tools(bits: Bits) -> tuple[int, bool, int, int]:
    """Return the order hint's bits, whether vectors are projected, and two choices."""
    bits.u(4)
    order = bits.flag()
    ref_frame_mvs = False
    if order:
        bits.u(1)
        ref_frame_mvs = bits.flag()
    screen = SELECT if bits.flag() else bits.u(1)
    whole = SELECT
    if screen and not bits.flag():
        whole = bits.u(1)
    return (bits.u(3) + 1 if order else 0), ref_frame_mvs, screen, whole


def _read_depth(bits: Bits, profile: int) -> int:
    high = bits.flag()
    if profile == 2 and high:
        return 12 if bits.flag() else 10
    return 10 if high else 8
