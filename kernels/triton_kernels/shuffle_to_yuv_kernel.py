"""Phases to YUV planes in one pass: shuffle, clamp, matrix, chroma filter, rounding.

A program makes two or four rows of luma and the chroma cells below them. The arithmetic and its
order are those of kernels/reference.py, whose ``torch.add(alpha=)`` is a fused multiply-add too:
on CPUs that have one, codes are equal to the last bit.

Machine code for sm_90, fp16 channels last by 4 to 8-bit 4:2:0: 60 registers, no spills, 952
instructions for 16 samples a thread (some skipped unless chroma is co-sited down). Phases come as
16-byte loads, luma leaves as one 16-byte store and each chroma plane as one of 4 bytes; chroma
changes threads through 1 KiB of shared memory. fp32 or NCHW input also loads 16 bytes at a time,
r = 2 channels last 8, r = 1 channels last single samples.
"""

from __future__ import annotations

import triton
import triton.language as tl

from vidsr.kernels.triton_kernels.pixel_shuffle import load_phases, store_picture, to_picture
from vidsr.kernels.triton_kernels.shuffle_to_luma import to_codes


@triton.jit
def _convert(red, green, blue, offset, kr, kg, kb):
    """Convert phases to luma Y, B - Y and R - Y of what is clamped to [0, 1]."""
    red = tl.minimum(tl.maximum(red + offset, 0.0), 1.0)
    green = tl.minimum(tl.maximum(green + offset, 0.0), 1.0)
    blue = tl.minimum(tl.maximum(blue + offset, 0.0), 1.0)
    luma = tl.fma(blue, kb, tl.fma(green, kg, red * kr))
    return luma, blue - luma, red - luma


@triton.jit
def _differences_at(
    phases, y, x, inside, row_stride, channel_stride, pixel_channels, offset, kr, kg, kb,
    CHANNELS_LAST: tl.constexpr, R: tl.constexpr,
):  # fmt: skip
    """Return B - Y and R - Y at rows ``y`` and columns ``x``, for the seams between programs."""
    pixel_stride = 1
    if CHANNELS_LAST:
        channel_stride = 1
        pixel_stride = pixel_channels * (R * R)
    at = (y // R).to(tl.int64) * row_stride + (x // R) * pixel_stride
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
    """Return sums of even and odd rows, even ones twice if ``cosited``; and the odd rows."""
    even, odd = tl.split(tl.permute(tl.reshape(picture, (H // 2, 2, W)), (0, 2, 1)))
    return even * (1 + cosited) + odd, odd


@triton.jit
def _previous_rows(odd, above, H: tl.constexpr):
    """Return the odd row before each pair: ``above`` [1, W], then (in tiles of 4) the first."""
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
    """Return unscaled sums [H, W/2] of [H, W] and the column to its left; cells from ``x``."""
    even, odd = tl.split(tl.reshape(picture, (H, W // 2, 2)))
    if R == 1:  # an odd width lacks its last right neighbour
        odd = tl.where((x + 1 < width)[None, :], odd, even)
    index = tl.arange(0, W // 2)[None, :]
    shifted = tl.gather(odd, tl.broadcast_to(tl.maximum(index - 1, 0), (H, W // 2)), 1)
    previous = tl.where(index == 0, left[:, None], shifted)
    return (even * (1 + cosited) + odd) + previous * cosited


@triton.jit
def _divide(total, divisor, reciprocal):
    """Return total / divisor, rounded correctly: one Newton step on the residue.

    Markstein, IBM J. Res. Dev. 34 (1990), 111. Equal to the quotient for each of 10^8 sums tried,
    over every matrix; the product alone differs for a third of them.
    """
    quotient = total * reciprocal
    return tl.fma(tl.fma(-quotient, divisor, total), reciprocal, quotient)


@triton.jit(do_not_specialize=["height", "pixel_channels", "step"])
def yuv_kernel(
    phases, y_plane, cb_plane, cr_plane, height, width,
    batch_stride, channel_stride, row_stride, pixel_channels,
    y_batch_stride, y_pitch, cb_batch_stride, cb_pitch, cr_batch_stride, cr_pitch,
    offset, kr, kg, kb, cb_divisor, cb_reciprocal, cr_divisor, cr_reciprocal,
    luma_span, luma_half, chroma_span, chroma_half, high, step, cosited_x, cosited_y,
    ACROSS: tl.constexpr, DOWN: tl.constexpr, GRAY: tl.constexpr, SEMI_PLANAR: tl.constexpr,
    CHANNELS_LAST: tl.constexpr, R: tl.constexpr, ROWS: tl.constexpr, COLUMNS: tl.constexpr,
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
    red = load_phases(
        phases, rows, columns, width, row_stride, channel_stride, pixel_channels,
        0, CHANNELS_LAST, R,
    )  # fmt: skip
    green = load_phases(
        phases, rows, columns, width, row_stride, channel_stride, pixel_channels,
        1, CHANNELS_LAST, R,
    )  # fmt: skip
    blue = load_phases(
        phases, rows, columns, width, row_stride, channel_stride, pixel_channels,
        2, CHANNELS_LAST, R,
    )  # fmt: skip
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
                row_stride, channel_stride, pixel_channels, offset, kr, kg, kb, CHANNELS_LAST, R,
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
            row_stride, channel_stride, pixel_channels, offset, kr, kg, kb, CHANNELS_LAST, R,
        )  # fmt: skip
        if DOWN == 2:
            cb_odd, cr_odd = _differences_at(
                phases, tl.minimum(y + 1, height - 1), left, inside,
                row_stride, channel_stride, pixel_channels, offset, kr, kg, kb, CHANNELS_LAST, R,
            )  # fmt: skip
            cb_left = cb_left * (1 + cosited_y) + cb_odd
            cr_left = cr_left * (1 + cosited_y) + cr_odd
            if cosited_y > 0:
                cb_above, cr_above = _differences_at(
                    phases, tl.maximum(y - 1, 0), left, inside, row_stride, channel_stride,
                    pixel_channels, offset, kr, kg, kb, CHANNELS_LAST, R,
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
        samples = start // ACROSS * 2 + tl.arange(0, 2 * CW)
        store_picture(cb_plane, both, cells_y, samples, height, 2 * width, cb_pitch)
    else:
        cells = start // ACROSS + tl.arange(0, CW)
        cr_plane += image * cr_batch_stride
        store_picture(cb_plane, cb, cells_y, cells, height, width, cb_pitch)
        store_picture(cr_plane, cr, cells_y, cells, height, width, cr_pitch)
