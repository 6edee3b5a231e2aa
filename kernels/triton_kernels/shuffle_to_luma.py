"""Phases of one channel to a plane of codes: pixel shuffle, scaling and rounding in one pass."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from itertools import product
from typing import Any

import torch
import triton
import triton.language as tl
from torch import Tensor

from vidsr.kernels.triton_kernels.aot import Variant, type_name
from vidsr.kernels.triton_kernels.checks import FLOATS, SHUFFLES, strides
from vidsr.kernels.triton_kernels.pixel_shuffle import (
    LAYOUTS,
    OPTIONS,
    example_phases,
    load_phases,
    phases_arguments,
    store_picture,
    tile_grid,
    to_picture,
)
from vidsr.kernels.triton_kernels.scalars import Levels


@triton.jit
def to_codes(values, span, offset_and_half, low, high, step, DTYPE: tl.constexpr):
    """Return floor(values*span + offset + 1/2), clamped, times ``step``; casts floor: low >= 0."""
    codes = tl.minimum(tl.maximum(values * span + offset_and_half, low), high)
    return (codes.to(tl.int32) * step).to(DTYPE)


@triton.jit(do_not_specialize=["height", "pixel_channels", "step"])
def _plane_kernel(
    phases, plane, height, width,
    batch_stride, channel_stride, row_stride, pixel_channels, plane_batch_stride, plane_pitch,
    offset, span, offset_and_half, low, high, step,
    CHANNELS_LAST: tl.constexpr, R: tl.constexpr, ROWS: tl.constexpr, COLUMNS: tl.constexpr,
):  # fmt: skip
    image = tl.program_id(2).to(tl.int64)
    rows = tl.minimum(tl.program_id(1) * ROWS + tl.arange(0, ROWS), height - 1)
    columns = tl.program_id(0) * COLUMNS + tl.arange(0, COLUMNS)
    phases += image * batch_stride
    tile = load_phases(
        phases, rows, columns, width, row_stride, channel_stride, pixel_channels,
        0, CHANNELS_LAST, R,
    )  # fmt: skip
    tile = to_codes(tile + offset, span, offset_and_half, low, high, step, plane.dtype.element_ty)
    y = tl.program_id(1) * (ROWS * R) + tl.arange(0, ROWS * R)
    x = tl.program_id(0) * (COLUMNS * R) + tl.arange(0, COLUMNS * R)
    plane += image * plane_batch_stride
    picture = to_picture(tile, ROWS, COLUMNS, R)
    store_picture(plane, picture, y, x, height * R, width * R, plane_pitch)


@dataclass(frozen=True)
class Coding:
    """``code = step * floor(clamp(value*span + offset_and_half, low, high))``."""

    span: float
    offset_and_half: float
    low: float
    high: float
    step: int

    @classmethod
    def luma(cls, levels: Levels) -> Coding:
        """Return the luma of a luma network, which may use footroom and headroom."""
        half = levels.luma_offset + 0.5
        return cls(levels.luma_span, half, 0.0, levels.peak + 0.5, levels.step)

    @classmethod
    def rgb(cls, levels: Levels) -> Coding:
        """Return a channel clamped to [0, 1]: rounding is monotonic, so its codes may be."""
        half = levels.luma_offset + 0.5
        return cls(levels.luma_span, half, half, half + levels.luma_span, levels.step)


def shuffle_to_plane(
    phases: Tensor, plane: Tensor, *, shuffle: int, offset: float, coding: Coding
) -> None:
    """Write ``[N, r*r, h, w]`` floats of a channel into ``plane`` ``[N, h*r, w*r]`` of codes."""
    arguments = _arguments(phases, plane, shuffle, offset, coding)
    grid = tile_grid(phases, arguments, phases.shape[0])
    with torch.cuda.device_of(phases):
        _plane_kernel[grid](**arguments, **OPTIONS)


def _arguments(
    phases: Tensor, plane: Tensor, r: int, offset: float, coding: Coding
) -> dict[str, Any]:
    batch_stride, pitch, _ = strides(plane)
    return {
        **phases_arguments(phases, r),
        "plane": plane,
        "plane_batch_stride": batch_stride,
        "plane_pitch": pitch,
        "offset": float(offset),
        **asdict(coding),
    }


def variants() -> list[Variant]:
    """Return all that is launched: a luma network's result, and each plane of R'G'B'."""
    codes = (torch.uint8, torch.uint16)
    return [_variant(*choice) for choice in product(FLOATS, LAYOUTS, SHUFFLES, codes)]


def _variant(dtype: torch.dtype, order: str, r: int, code: torch.dtype) -> Variant:
    # Of three channels: memory holds one channel of r = 1 the same way in either order.
    phases = example_phases(3, r, dtype, order)[:, : r * r]
    plane = torch.empty(1, 64 * r, 64 * r, dtype=code, device="meta")
    arguments = _arguments(phases, plane, r, 0.5, Coding(219.0, 16.5, 0.0, 255.5, 1))
    name = f"{type_name(dtype)}-{order}-x{r}-{type_name(code)}"
    return Variant.of(name, _plane_kernel, arguments, OPTIONS)
