"""Phases to YUV planes in one pass: shuffle, clamp, matrix, chroma filter, rounding.

A program makes two or four rows of luma and the chroma cells below them. The arithmetic and its
order are those of kernels/reference.py, whose ``torch.add(alpha=)`` is a fused multiply-add too:
on processors that have one, codes are equal to the last bit.

Machine code for sm_90, fp16 channels last by 4 to 8-bit 4:2:0: 60 registers, no spills, 952
instructions for 16 samples a thread (some skipped unless chroma is co-sited down). Phases come as
16-byte loads, luma leaves as one 16-byte store and each chroma plane as one of 4 bytes; chroma
changes threads through 1 KiB of shared memory. fp32 or NCHW input also loads 16 bytes at a time,
r = 2 channels last 8, r = 1 channels last single samples.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
import triton
import triton.language as tl
from torch import Tensor

from vidsr.color import MATRIX_BT709, ColorSpec
from vidsr.errors import OptionError
from vidsr.frame import PixelFormat, VideoFormat
from vidsr.kernels.aot import Variant, type_name
from vidsr.kernels.pixel_shuffle import (
    OPTIONS,
    check_phases,
    check_plane,
    example_phases,
    load_phases,
    phases_arguments,
    store_picture,
    strides,
    tile_grid,
    to_picture,
)
from vidsr.kernels.scalars import Cosited, Levels, ToYuv
from vidsr.kernels.shuffle_to_luma import Coding, shuffle_to_plane, to_codes

_GBR_OF_RGB = (1, 2, 0)  # FFmpeg's gbrp stores green, blue, red


@triton.jit
def _convert(red, green, blue, offset, kr, kg, kb):
    """Phases -> luma Y, B - Y and R - Y of what is clamped to [0, 1]."""
    red = tl.minimum(tl.maximum(red + offset, 0.0), 1.0)
    green = tl.minimum(tl.maximum(green + offset, 0.0), 1.0)
    blue = tl.minimum(tl.maximum(blue + offset, 0.0), 1.0)
    luma = tl.fma(blue, kb, tl.fma(green, kg, red * kr))
    return luma, blue - luma, red - luma


@triton.jit
def _differences_at(
    phases, y, x, inside, row_stride, channel_stride, offset, kr, kg, kb,
    PIXEL_STRIDE: tl.constexpr, R: tl.constexpr,
):  # fmt: skip
    """B - Y and R - Y at picture rows ``y`` and columns ``x``, for the seams between programs."""
    if PIXEL_STRIDE > 1:
        channel_stride = 1
    at = (y // R).to(tl.int64) * row_stride + (x // R) * PIXEL_STRIDE
    at += ((y % R) * R + x % R).to(tl.int64) * channel_stride
    red_at = phases + at
    green_at = red_at + channel_stride * (R * R)
    blue_at = green_at + channel_stride * (R * R)
    red = tl.load(red_at, mask=inside, other=0.0).to(tl.float32)
    green = tl.load(green_at, mask=inside, other=0.0).to(tl.float32)
    blue = tl.load(blue_at, mask=inside, other=0.0).to(tl.float32)
    _, cb, cr = _convert(red, green, blue, offset, kr, kg, kb)
    return cb, cr


@triton.jit
def _pairs_of_rows(picture, cosited, H: tl.constexpr, W: tl.constexpr):
    """[H, W] -> sums of even and odd rows, the even one twice if ``cosited``; and the odd rows."""
    even, odd = tl.split(tl.permute(tl.reshape(picture, (H // 2, 2, W)), (0, 2, 1)))
    return even * (1 + cosited) + odd, odd


@triton.jit
def _previous_rows(odd, above, H: tl.constexpr):
    """The odd row before each pair: ``above`` [1, W], then (in tiles of 4 rows) the first."""
    previous = above
    if H == 4:
        index = tl.arange(0, 2)[:, None]
        first = tl.sum(tl.where(index == 0, odd, 0.0), axis=0)
        previous = tl.where(index == 0, above, first[None, :])
    return previous


@triton.jit
def _pairs_of_columns(
    picture, left, x, width, cosited, H: tl.constexpr, W: tl.constexpr, R: tl.constexpr
):
    """[H, W] and the column to the left [H] -> [H, W/2] unscaled sums, cells beginning at ``x``."""
    even, odd = tl.split(tl.reshape(picture, (H, W // 2, 2)))
    if R == 1:  # an odd width lacks its last right neighbour
        odd = tl.where((x + 1 < width)[None, :], odd, even)
    index = tl.arange(0, W // 2)[None, :]
    shifted = tl.gather(odd, tl.broadcast_to(tl.maximum(index - 1, 0), (H, W // 2)), 1)
    previous = tl.where(index == 0, left[:, None], shifted)
    return (even * (1 + cosited) + odd) + previous * cosited


@triton.jit
def _divide(total, divisor, reciprocal):
    """total / divisor, rounded correctly: one Newton step on the residue.

    Markstein, IBM J. Res. Dev. 34 (1990), 111. Equal to the quotient for each of 10^8 sums tried,
    over every matrix; the product alone differs for a third of them.
    """
    quotient = total * reciprocal
    return tl.fma(tl.fma(-quotient, divisor, total), reciprocal, quotient)


@triton.jit(do_not_specialize=["height", "step"])
def _yuv_kernel(
    phases, y_plane, cb_plane, cr_plane, height, width,
    batch_stride, channel_stride, row_stride,
    y_batch_stride, y_pitch, cb_batch_stride, cb_pitch, cr_batch_stride, cr_pitch,
    offset, kr, kg, kb, cb_divisor, cb_reciprocal, cr_divisor, cr_reciprocal,
    luma_span, luma_half, chroma_span, chroma_half, high, step, cosited_x, cosited_y,
    ACROSS: tl.constexpr, DOWN: tl.constexpr, GRAY: tl.constexpr, SEMI_PLANAR: tl.constexpr,
    PIXEL_STRIDE: tl.constexpr, R: tl.constexpr, ROWS: tl.constexpr, COLUMNS: tl.constexpr,
):  # fmt: skip
    H: tl.constexpr = ROWS * R
    W: tl.constexpr = COLUMNS * R
    CH: tl.constexpr = H // DOWN
    CW: tl.constexpr = W // ACROSS
    DTYPE: tl.constexpr = y_plane.dtype.element_ty
    image = tl.program_id(2).to(tl.int64)
    phases += image * batch_stride
    # Rows beyond the last, which only r = 1 has, repeat it: so does the chroma filter.
    rows = tl.minimum(tl.program_id(1) * ROWS + tl.arange(0, ROWS), height - 1)
    columns = tl.program_id(0) * COLUMNS + tl.arange(0, COLUMNS)
    red = load_phases(phases, rows, columns, width, row_stride, channel_stride, 0, PIXEL_STRIDE, R)
    green = load_phases(
        phases, rows, columns, width, row_stride, channel_stride, 1, PIXEL_STRIDE, R
    )
    blue = load_phases(phases, rows, columns, width, row_stride, channel_stride, 2, PIXEL_STRIDE, R)
    luma, cb, cr = _convert(red, green, blue, offset, kr, kg, kb)
    low_width = width
    height *= R
    width *= R
    top = tl.program_id(1) * H
    start = tl.program_id(0) * W
    x = start + tl.arange(0, W)
    luma = to_codes(luma, luma_span, luma_half, 0.0, high, step, DTYPE)
    store_picture(
        y_plane + image * y_batch_stride, to_picture(luma, ROWS, COLUMNS, R),
        top + tl.arange(0, H), x, height, width, y_pitch,
    )  # fmt: skip
    if GRAY:
        return
    cb = to_picture(cb, ROWS, COLUMNS, R)
    cr = to_picture(cr, ROWS, COLUMNS, R)
    if DOWN == 2:
        cb, cb_odd = _pairs_of_rows(cb, cosited_y, H, W)
        cr, cr_odd = _pairs_of_rows(cr, cosited_y, H, W)
        if cosited_y > 0:
            cb_above, cr_above = _differences_at(
                phases, tl.maximum(top - 1, 0), x, x < width,
                row_stride, channel_stride, offset, kr, kg, kb, PIXEL_STRIDE, R,
            )  # fmt: skip
            cb += _previous_rows(cb_odd, cb_above[None, :], H)
            cr += _previous_rows(cr_odd, cr_above[None, :], H)
    cells_y = top // DOWN + tl.arange(0, CH)
    if ACROSS == 2:
        left = tl.maximum(start - 1, 0)
        y = cells_y * DOWN
        inside = (y < height) & (cosited_x > 0)
        cb_left, cr_left = _differences_at(
            phases, y, left, inside,
            row_stride, channel_stride, offset, kr, kg, kb, PIXEL_STRIDE, R,
        )  # fmt: skip
        if DOWN == 2:
            cb_odd, cr_odd = _differences_at(
                phases, tl.minimum(y + 1, height - 1), left, inside,
                row_stride, channel_stride, offset, kr, kg, kb, PIXEL_STRIDE, R,
            )  # fmt: skip
            cb_left = cb_left * (1 + cosited_y) + cb_odd
            cr_left = cr_left * (1 + cosited_y) + cr_odd
            if cosited_y > 0:
                cb_above, cr_above = _differences_at(
                    phases, tl.maximum(y - 1, 0), left, inside,
                    row_stride, channel_stride, offset, kr, kg, kb, PIXEL_STRIDE, R,
                )  # fmt: skip
                cb_left += cb_above
                cr_left += cr_above
        cells_x = start + 2 * tl.arange(0, CW)
        cb = _pairs_of_columns(cb, cb_left, cells_x, width, cosited_x, CH, W, R)
        cr = _pairs_of_columns(cr, cr_left, cells_x, width, cosited_x, CH, W, R)
    cb = _divide(cb, cb_divisor, cb_reciprocal)
    cr = _divide(cr, cr_divisor, cr_reciprocal)
    cb = to_codes(cb, chroma_span, chroma_half, 0.0, high, step, DTYPE)
    cr = to_codes(cr, chroma_span, chroma_half, 0.0, high, step, DTYPE)
    height = (height + DOWN - 1) // DOWN
    # Of a product the compiler sees what divides it, and so how wide it may store.
    width = (width + ACROSS - 1) // ACROSS if R == 1 else low_width * (R // ACROSS)
    cb_plane += image * cb_batch_stride
    if SEMI_PLANAR:
        both = tl.reshape(tl.join(cb, cr), (CH, 2 * CW))
        x = start // ACROSS * 2 + tl.arange(0, 2 * CW)
        store_picture(cb_plane, both, cells_y, x, height, 2 * width, cb_pitch)
    else:
        x = start // ACROSS + tl.arange(0, CW)
        store_picture(cb_plane, cb, cells_y, x, height, width, cb_pitch)
        cr_plane += image * cr_batch_stride
        store_picture(cr_plane, cr, cells_y, x, height, width, cr_pitch)


@dataclass(frozen=True)
class _Target:
    """What the planes are to be."""

    format: VideoFormat
    levels: Levels
    semi_planar: bool

    def shapes(self, n: int, channels: int) -> list[tuple[int, ...]]:
        """Of each plane, for ``n`` pictures out of a network of ``channels``."""
        sizes = self.format.plane_sizes
        if channels == 1:
            return [(n, *sizes[0])]
        if self.semi_planar:
            return [(n, *sizes[0]), (n, *sizes[1], 2)]
        return [(n, *size) for size in sizes]


def shuffle_to_yuv(
    phases: Tensor,
    format: VideoFormat,
    *,
    shuffle: int,
    offset: float = 0.0,
    semi_planar: bool = False,
    high_bits: bool = False,
    out: Sequence[Tensor] | None = None,
) -> tuple[Tensor, ...]:
    """``[N, C*r*r, h, w]`` float16 or float32, ``r = shuffle`` -> planes of ``format``.

    ``offset`` is added in float32. C is 3 (RGB, then clamped to [0, 1]) or 1 (luma, which keeps
    foot- and headroom: only that plane is made). Planes are ``[N, H, W]``, chroma ``[N, hc, wc]``
    or together ``[N, hc, wc, 2]`` if ``semi_planar``; uint8 or uint16, in their ``high_bits`` if
    said so. ``out`` gives them; rows may have any pitch. Strides of ``phases`` are read as they
    are. Raises OptionError for what does not fit together, InputError as reference.rgb_to_yuv does.
    """
    channels = check_phases(phases, shuffle)
    target = _Target(format, Levels.of(format, high_bits=high_bits), semi_planar)
    _check(phases, channels, shuffle, target)
    shapes = target.shapes(phases.shape[0], channels)
    dtype = format.pixel.dtype
    if out is None:
        out = [torch.empty(s, dtype=dtype, device=phases.device) for s in shapes]
    if len(out) != len(shapes):
        raise OptionError(f"{len(out)} planes in out; need {len(shapes)}")
    for plane, shape in zip(out, shapes, strict=True):
        check_plane(plane, shape, (dtype,))
    if channels == 1:
        coding = Coding.luma(target.levels)
        shuffle_to_plane(phases, out[0], shuffle=shuffle, offset=offset, coding=coding)
    elif format.pixel.family == "rgb":
        _to_gbr(phases, out, shuffle, offset, Coding.rgb(target.levels))
    else:
        _to_yuv(phases, out, shuffle, offset, target)
    return tuple(out)


def _check(phases: Tensor, channels: int, r: int, target: _Target) -> None:
    _, _, h, w = phases.shape
    format = target.format
    if channels not in (1, 3):
        raise OptionError(f"phases of {channels} channels; allowed: 1 and 3")
    if (format.width, format.height) != (w * r, h * r):
        size = f"{format.width}x{format.height}"
        raise OptionError(f"target {size}; {tuple(phases.shape) = } makes {w * r}x{h * r}")
    if target.semi_planar and format.pixel.family != "yuv":
        raise OptionError(f"semi_planar with {format.pixel.name}; allowed: YUV formats")


def _to_gbr(
    phases: Tensor, planes: Sequence[Tensor], r: int, offset: float, coding: Coding
) -> None:
    for plane, channel in zip(planes, _GBR_OF_RGB, strict=True):
        part = phases[:, channel * r * r : (channel + 1) * r * r]
        shuffle_to_plane(part, plane, shuffle=r, offset=offset, coding=coding)


def _to_yuv(
    phases: Tensor, planes: Sequence[Tensor], r: int, offset: float, target: _Target
) -> None:
    arguments = _arguments(phases, planes, r, offset, target)
    across, down = tile_grid(phases, arguments)
    with torch.cuda.device_of(phases):
        _yuv_kernel[across, down, phases.shape[0]](**arguments, **OPTIONS)


def _arguments(
    phases: Tensor, planes: Sequence[Tensor], r: int, offset: float, target: _Target
) -> dict[str, Any]:
    three = [*planes, planes[-1], planes[-1]][:3]  # what a format lacks is not touched
    arguments = phases_arguments(phases, r) | {"offset": float(offset)}
    for name, plane in zip(("y", "cb", "cr"), three, strict=True):
        batch_stride, pitch = strides(plane)[:2]
        arguments |= {
            f"{name}_plane": plane,
            f"{name}_batch_stride": batch_stride,
            f"{name}_pitch": pitch,
        }
    return arguments | _colour(target) | _chroma(target)


def _colour(target: _Target) -> dict[str, float]:
    levels, matrix = target.levels, ToYuv.of(target.format)
    return {
        "kr": matrix.kr,
        "kg": matrix.kg,
        "kb": matrix.kb,
        "luma_span": levels.luma_span,
        "luma_half": levels.luma_offset + 0.5,
        "chroma_span": levels.chroma_span,
        "chroma_half": levels.chroma_offset + 0.5,
        "high": levels.peak + 0.5,
        "step": levels.step,
    }


def _chroma(target: _Target) -> dict[str, Any]:
    """Chroma is the sum of its filter over a divisor, which float32 rounds as the reference's."""
    pixel, cosited = target.format.pixel, Cosited.of(target.format)
    matrix, (across, down) = ToYuv.of(target.format), pixel.subsampling
    # The filter's weights add up to 1, 2 or 4 along an axis: powers of two, so scaling is exact.
    weights = across * down
    weights *= (2 if across == 2 and cosited.across else 1) * (
        2 if down == 2 and cosited.down else 1
    )
    cb, cr = (float(torch.tensor(weights / c, dtype=torch.float32)) for c in (matrix.cb, matrix.cr))
    return {
        "cb_divisor": cb,
        "cb_reciprocal": 1 / cb,
        "cr_divisor": cr,
        "cr_reciprocal": 1 / cr,
        "cosited_x": float(cosited.across),
        "cosited_y": float(cosited.down),
        "ACROSS": across,
        "DOWN": down,
        "GRAY": pixel.family == "gray",
        "SEMI_PLANAR": target.semi_planar,
    }


_PIXELS = {
    "420": PixelFormat("yuv", 8, (2, 2)),
    "422": PixelFormat("yuv", 8, (2, 1)),
    "444": PixelFormat("yuv", 8),
    "gray": PixelFormat("gray", 8),
}


def variants() -> list[Variant]:
    """All targets of channels-last float16, as engines on CUDA give it; else 4:2:0 by 4."""
    half, single = torch.float16, torch.float32
    usual = [(half, "nhwc", r, chroma) for r in (2, 4) for chroma in (*_PIXELS, "semi")]
    other = [(half, "nchw", 4, "420"), (single, "nhwc", 4, "420"), (half, "nhwc", 1, "420")]
    return [_variant(depth, *kind) for depth in (8, 10) for kind in (*usual, *other)]


def _variant(depth: int, dtype: torch.dtype, order: str, r: int, chroma: str) -> Variant:
    semi_planar = chroma == "semi"
    pixel = replace(_PIXELS["420" if semi_planar else chroma], depth=depth)
    format = VideoFormat(64 * r, 64 * r, pixel, ColorSpec(matrix=MATRIX_BT709))
    target = _Target(format, Levels.of(format), semi_planar)
    planes = [torch.empty(s, dtype=pixel.dtype, device="meta") for s in target.shapes(1, 3)]
    arguments = _arguments(example_phases(3, r, dtype, order), planes, r, 0.5, target)
    name = f"{type_name(dtype)}-{order}-x{r}-{type_name(pixel.dtype)}-{chroma}"
    return Variant.of(name, _yuv_kernel, arguments, OPTIONS)
