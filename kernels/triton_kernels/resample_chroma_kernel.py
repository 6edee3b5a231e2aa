"""Chroma of a small picture to that of a larger one: bicubic, where it is sited, both planes.

What ``vidsr.picture.resample`` does with ``kernel="cubic"`` and a step of 1 or less, on codes
instead of floats: the weights add up to 1, so that the neutral code is taken off before and put
back after. A program resamples each source row across once and adds it to all target rows that it
has a part in, which stay in registers: a thread makes whole columns of the tile.
"""

from __future__ import annotations

import triton
import triton.language as tl

from vidsr.kernels.triton_kernels.pixel_shuffle import store_picture
from vidsr.kernels.triton_kernels.shuffle_to_luma import to_codes


@triton.jit
def _cubic(t):
    """Return Keys' kernel (a = -1/2) at distance ``t``, as in vidsr.picture.resample."""
    t = tl.minimum(tl.abs(t), 2.0)  # where it is 0
    near = tl.fma(t * t, tl.fma(t, 1.5, -2.5), 1.0)
    far = tl.fma(tl.fma(tl.fma(t, -0.5, 2.5), t, -4.0), t, 2.0)
    return tl.where(t < 1.0, near, far)


@triton.jit
def _place(j, start, stride, unit):
    """Return the sample before coordinate ``(start + j*stride)/unit - 1``, and the rest."""
    at = start + j * stride  # not negative, for which the division would round upwards
    whole = at // unit
    return whole - 1, (at - whole * unit).to(tl.float32) / unit


@triton.jit
def _load(row, columns, step, width, neutral):
    columns = tl.minimum(tl.maximum(columns, 0), width - 1)
    # By way of int32, to which every GPU and the interpreter turn unsigned samples.
    return tl.load(row + columns * step).to(tl.int32).to(tl.float32) - neutral


@triton.jit
def _across(row, columns, step, width, neutral, w0, w1, w2, w3):
    """Return samples of a row between ``columns`` and the next ones; edges replicate."""
    total = _load(row, columns - 1, step, width, neutral) * w0
    total = tl.fma(_load(row, columns, step, width, neutral), w1, total)
    total = tl.fma(_load(row, columns + 1, step, width, neutral), w2, total)
    return tl.fma(_load(row, columns + 2, step, width, neutral), w3, total)


# The source is read sample by sample: its alignment is no reason to compile anew, nor is a 1.
_UNSPECIALIZED = [
    *("cb", "cr", "in_width", "in_height", "cb_batch_stride", "cb_pitch", "cr_batch_stride"),
    *("cr_pitch", "in_step", "x_start", "x_stride", "x_unit", "y_start", "y_stride", "y_unit"),
    *("height", "step"),
]


@triton.jit(do_not_specialize=_UNSPECIALIZED)
def chroma_kernel(
    cb, cr, out_cb, out_cr, in_width, in_height, width, height,
    cb_batch_stride, cb_pitch, cr_batch_stride, cr_pitch, in_step,
    out_cb_batch_stride, out_cb_pitch, out_cr_batch_stride, out_cr_pitch,
    x_start, x_stride, x_unit, y_start, y_stride, y_unit,
    neutral, gain, neutral_and_half, high, step,
    SEMI_PLANAR: tl.constexpr, SOURCE_ROWS: tl.constexpr,
    ROWS: tl.constexpr, COLUMNS: tl.constexpr,
):  # fmt: skip
    """Resample ROWS x COLUMNS samples of both planes: programs are (columns, rows, batch)."""
    DTYPE: tl.constexpr = out_cb.dtype.element_ty
    image = tl.program_id(2).to(tl.int64)
    cb += image * cb_batch_stride
    cr += image * cr_batch_stride
    top, left = tl.program_id(1) * ROWS, tl.program_id(0) * COLUMNS
    y, x = top + tl.arange(0, ROWS), left + tl.arange(0, COLUMNS)
    columns, part = _place(x, x_start, x_stride, x_unit)
    w0, w1, w2, w3 = _cubic(part + 1.0), _cubic(part), _cubic(1.0 - part), _cubic(2.0 - part)
    rows, down = _place(y, y_start, y_stride, y_unit)
    first, _ = _place(top, y_start, y_stride, y_unit)
    first -= 1
    distance = (first - rows).to(tl.float32) - down
    sum_cb = tl.zeros((ROWS, COLUMNS), tl.float32)
    sum_cr = tl.zeros((ROWS, COLUMNS), tl.float32)
    for i in range(SOURCE_ROWS):
        row = tl.minimum(tl.maximum(first + i, 0), in_height - 1).to(tl.int64)
        weight = _cubic(distance)[:, None]
        distance += 1.0
        more = _across(cb + row * cb_pitch, columns, in_step, in_width, neutral, w0, w1, w2, w3)
        sum_cb = tl.fma(weight, more[None, :], sum_cb)
        more = _across(cr + row * cr_pitch, columns, in_step, in_width, neutral, w0, w1, w2, w3)
        sum_cr = tl.fma(weight, more[None, :], sum_cr)
    code_cb = to_codes(sum_cb, gain, neutral_and_half, 0.0, high, step, DTYPE)
    code_cr = to_codes(sum_cr, gain, neutral_and_half, 0.0, high, step, DTYPE)
    out_cb += image * out_cb_batch_stride
    if SEMI_PLANAR:
        both = tl.reshape(tl.join(code_cb, code_cr), (ROWS, 2 * COLUMNS))
        samples = 2 * left + tl.arange(0, 2 * COLUMNS)
        store_picture(out_cb, both, y, samples, height, 2 * width, out_cb_pitch)
    else:
        out_cr += image * out_cr_batch_stride
        store_picture(out_cb, code_cb, y, x, height, width, out_cb_pitch)
        store_picture(out_cr, code_cr, y, x, height, width, out_cr_pitch)
