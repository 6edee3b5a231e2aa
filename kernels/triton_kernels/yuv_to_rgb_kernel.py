"""Decoded planes to RGB in one pass over memory: dequantise, upsample chroma, matrix, clamp.

The arithmetic is that of ``yuv_to_rgb``, on stored samples instead of
dequantised ones: interpolation is linear and commutes with it.
"""

from __future__ import annotations

import triton
import triton.language as tl

# Chroma is read sample by sample (it is a quarter of the samples, and interleaved in NV12), so that
# its alignment is no reason to compile anew; nor is a step or a shift of 1.
_UNSPECIALIZED = [
    *("plane1", "plane2", "batch_stride1", "batch_stride2", "pitch1", "pitch2"),
    *("height", "chroma_width", "chroma_height", "step", "across", "down"),
]


@triton.jit
def _far(near, x, halved, size):
    """Return the other chroma sample that luma sample ``x`` lies between; edges replicate."""
    return tl.minimum(tl.maximum(near + halved * (2 * (x & 1) - 1), 0), size - 1)


@triton.jit
def _load(plane, columns, mask):
    # By way of int32, to which every GPU and the interpreter turn unsigned samples.
    return tl.load(plane + columns, mask=mask, other=0).to(tl.int32).to(tl.float32)


@triton.jit
def _mix(near, far, weight):
    return near + (far - near) * weight


@triton.jit
def _chroma(near_row, far_row, near, far, mask, weight_x, weight_y):
    """Return one chroma plane at luma samples, bilinear: across first, then down."""
    upper = _mix(_load(near_row, near, mask), _load(near_row, far, mask), weight_x)
    lower = _mix(_load(far_row, near, mask), _load(far_row, far, mask), weight_x)
    return _mix(upper, lower, weight_y)


@triton.jit
def _channel(p0, p1, p2, k0, k1, k2):
    return tl.minimum(tl.maximum(k0 * p0 + k1 * p1 + k2 * p2, 0.0), 1.0)


@triton.jit
def _store_interleaved(out, red, green, blue, start, width, BLOCK: tl.constexpr):
    """Store R, G, B, R, ... from pixel ``start`` on, in runs as wide as planar ones.

    Three stores with a step of three would touch every sector three times. A length must be a power
    of two, so that 3 BLOCK goes as 2 BLOCK + BLOCK.
    """
    four = tl.reshape(tl.join(tl.join(red, blue), tl.join(green, blue)), (4 * BLOCK,))
    head, tail = tl.arange(0, 2 * BLOCK), 2 * BLOCK + tl.arange(0, BLOCK)
    out += start * 3
    left = (width - start) * 3
    tl.store(out + head, tl.gather(four, head // 3 * 4 + head % 3, 0), mask=head < left)
    tl.store(out + tail, tl.gather(four, tail // 3 * 4 + tail % 3, 0), mask=tail < left)


@triton.jit(do_not_specialize=_UNSPECIALIZED)
def rgb_kernel(
    out, plane0, plane1, plane2,
    width, height, chroma_width, chroma_height,
    batch_stride0, batch_stride1, batch_stride2, pitch0, pitch1, pitch2, step,
    across, down, even_x, odd_x, even_y, odd_y,
    offset0, offset12, r0, r1, r2, g0, g1, g2, b0, b1, b2,
    UPSAMPLE: tl.constexpr, CHANNELS_LAST: tl.constexpr, BLOCK: tl.constexpr,
):  # fmt: skip
    """Convert BLOCK pixels of one row: programs are (columns, rows, batch)."""
    # 64 bits: a batch of 8K pictures passes 2**31 samples.
    row, image = tl.program_id(1).to(tl.int64), tl.program_id(2).to(tl.int64)
    start = tl.program_id(0) * BLOCK
    x = start + tl.arange(0, BLOCK)
    mask = x < width
    plane1 += image * batch_stride1
    plane2 += image * batch_stride2
    p0 = _load(plane0 + image * batch_stride0 + row * pitch0, x, mask) - offset0
    if UPSAMPLE:
        near, near_y = x >> across, row >> down
        far, far_y = _far(near, x, across, chroma_width), _far(near_y, row, down, chroma_height)
        weight_x = tl.where((x & 1) == 1, odd_x, even_x)
        weight_y = tl.where((row & 1) == 1, odd_y, even_y)
        near, far = near * step, far * step
        near1, far1 = plane1 + near_y * pitch1, plane1 + far_y * pitch1
        near2, far2 = plane2 + near_y * pitch2, plane2 + far_y * pitch2
        p1 = _chroma(near1, far1, near, far, mask, weight_x, weight_y) - offset12
        p2 = _chroma(near2, far2, near, far, mask, weight_x, weight_y) - offset12
    else:
        p1 = _load(plane1 + row * pitch1, x * step, mask) - offset12
        p2 = _load(plane2 + row * pitch2, x * step, mask) - offset12
    dtype: tl.constexpr = out.dtype.element_ty
    red = _channel(p0, p1, p2, r0, r1, r2).to(dtype)
    green = _channel(p0, p1, p2, g0, g1, g2).to(dtype)
    blue = _channel(p0, p1, p2, b0, b1, b2).to(dtype)
    if CHANNELS_LAST:
        out += (image * height + row) * width * 3
        _store_interleaved(out, red, green, blue, start, width, BLOCK)
    else:
        out += (image * 3 * height + row) * width + x
        area = height.to(tl.int64) * width
        tl.store(out, red, mask=mask)
        tl.store(out + area, green, mask=mask)
        tl.store(out + 2 * area, blue, mask=mask)
