"""Decoded planes to RGB in one pass over memory: dequantise, upsample chroma, matrix, clamp.

The arithmetic is that of :func:`vidsr.kernels.reference.yuv_to_rgb`, on stored samples instead of
dequantised ones: interpolation is linear and commutes with it.
"""

# mypy: disable-error-code="no-untyped-def, no-untyped-call"
# Kernels are not Python: their parameters are tensors or scalars of Triton's own types.

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from typing import Any

import torch
import triton
import triton.language as tl
from torch import Tensor

from vidsr.color import MATRIX_BT709, ColorSpec
from vidsr.errors import OptionError
from vidsr.frame import PixelFormat, VideoFormat
from vidsr.kernels.aot import Variant, type_name
from vidsr.kernels.scalars import Cosited, ToRgb

# Four pixels a thread: 38 to 56 registers, so that 1152 threads or more share a multiprocessor.
# Eight, whose planar fp16 would go as 16-byte stores and not 8, took up to 104, and 24 bytes of
# spills on sm_100. 512 cover 1920 and 1280 columns with less waste than 1024. Not yet timed.
BLOCK = 512
# Without fusion every product is rounded by itself, as in torch and in Triton's interpreter, and
# whatever this Triton's default is. Memory bounds the kernel: fewer instructions would gain little.
OPTIONS: dict[str, Any] = {"num_warps": 4, "enable_fp_fusion": False}
_DTYPES = (torch.float16, torch.float32)
# Chroma is read sample by sample (it is a quarter of the samples, and interleaved in NV12), so that
# its alignment is no reason to compile anew; nor is a step or a shift of 1.
_UNSPECIALIZED = [
    *("plane1", "plane2", "batch_stride1", "batch_stride2", "pitch1", "pitch2"),
    *("height", "chroma_width", "chroma_height", "step", "across", "down"),
]


@triton.jit
def _far(near, x, halved, size):
    """The other chroma sample that luma sample ``x`` lies between; edges replicate."""
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
    """One chroma plane at luma samples, bilinear: across first, then down."""
    upper = _mix(_load(near_row, near, mask), _load(near_row, far, mask), weight_x)
    lower = _mix(_load(far_row, near, mask), _load(far_row, far, mask), weight_x)
    return _mix(upper, lower, weight_y)


@triton.jit
def _channel(p0, p1, p2, k0, k1, k2):
    return tl.minimum(tl.maximum(k0 * p0 + k1 * p1 + k2 * p2, 0.0), 1.0)


@triton.jit
def _store_interleaved(out, red, green, blue, start, width, BLOCK: tl.constexpr):
    """Stores R, G, B, R, ... from pixel ``start`` on, in runs as wide as planar ones.

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
def _kernel(
    out, plane0, plane1, plane2,
    width, height, chroma_width, chroma_height,
    batch_stride0, batch_stride1, batch_stride2, pitch0, pitch1, pitch2, step,
    across, down, even_x, odd_x, even_y, odd_y,
    offset0, offset12, r0, r1, r2, g0, g1, g2, b0, b1, b2,
    UPSAMPLE: tl.constexpr, CHANNELS_LAST: tl.constexpr, BLOCK: tl.constexpr,
):  # fmt: skip
    """BLOCK pixels of one row: programs are (columns, rows, batch)."""
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


def yuv_to_rgb(
    planes: Sequence[Tensor],
    format: VideoFormat,
    *,
    dtype: torch.dtype = torch.float16,
    channels_last: bool = True,
    high_bits: bool = False,
    out: Tensor | None = None,
) -> Tensor:
    """Planes of one size, ``[h, w]`` or ``[N, h, w]`` -> RGB ``[N, 3, H, W]`` in [0, 1].

    ``planes`` are uint8 (depth 8) or uint16: Y, Cb, Cr; or Y and CbCr ``[..., h, w, 2]`` (NV12,
    P010 and their kin); or grey; or G, B, R. The last stride is 1, row pitch and batch stride are
    free. ``high_bits``: each sample is ``code << (16 - depth)``, as in P010. The result is float16
    or float32, channels last or contiguous; ``out`` is such a tensor to write to. One launch on the
    current stream. Raises InputError for a matrix without (Kr, Kb), OptionError for planes or an
    ``out`` of another shape, type, order or device.
    """
    if dtype not in _DTYPES:
        raise OptionError(f"{dtype = }; allowed: torch.float16, torch.float32")
    planes = _batched(planes)
    _check_planes(planes, format)
    shape = (len(planes[0]), 3, format.height, format.width)
    order = torch.channels_last if channels_last else torch.contiguous_format
    device = planes[0].device
    if out is None:
        out = torch.empty(shape, dtype=dtype, device=device, memory_format=order)
    elif (out.shape, out.dtype, out.device) != (shape, dtype, device) or not out.is_contiguous(
        memory_format=order
    ):
        raise OptionError(
            f"out: {tuple(out.shape)}, strides {out.stride()}, {out.dtype} on {out.device}; "
            f"need {shape}, {order}, {dtype} on {device}"
        )
    _launch(out, planes, format, channels_last=channels_last, high_bits=high_bits)
    return out


def _batched(planes: Sequence[Tensor]) -> list[Tensor]:
    """The planes as ``[N, h, w]`` or ``[N, h, w, 2]``; one of two is interleaved chroma."""
    interleaved = len(planes) == 2
    ranks = [3 + (interleaved and i == 1) for i in range(len(planes))]
    return [p[None] if p.ndim == r - 1 else p for p, r in zip(planes, ranks, strict=True)]


def _check_planes(planes: Sequence[Tensor], format: VideoFormat) -> None:
    """Raises OptionError unless batched ``planes`` are what ``format`` says, where they can be."""
    sizes: list[tuple[int, ...]] = list(format.plane_sizes)
    if len(planes) == 2 and format.pixel.family == "yuv":
        sizes[1:] = [(*sizes[1], 2)]
    shapes = [tuple(p.shape) for p in planes]
    count = max([1, *shapes[0][:1]]) if shapes else 1
    if shapes != [(count, *size) for size in sizes]:
        raise OptionError(f"planes {shapes}; need N >= 1 of each of {sizes}")
    if any(p.dtype != format.pixel.dtype for p in planes):
        raise OptionError(f"planes {[p.dtype for p in planes]}; need {format.pixel.dtype}")
    if any(p.stride(-1) != 1 and p.shape[-1] > 1 for p in planes):
        raise OptionError(f"planes of strides {[p.stride() for p in planes]}; need 1 as the last")
    _check_devices([p.device for p in planes])


def _check_devices(devices: Sequence[torch.device]) -> None:
    runs = not isinstance(_kernel, triton.JITFunction) or devices[0].type == "cuda"
    if len(set(devices)) > 1 or not runs:
        raise OptionError(
            f"planes on {[str(d) for d in devices]}; allowed: one CUDA device",
            hint="vidsr.kernels.reference converts on any device.",
        )


def _launch(
    out: Tensor,
    planes: Sequence[Tensor],
    format: VideoFormat,
    *,
    channels_last: bool,
    high_bits: bool,
) -> None:
    arguments = _arguments(out, planes, format, channels_last, high_bits)
    grid = (triton.cdiv(format.width, BLOCK), format.height, len(out))
    with torch.cuda.device_of(out):  # Triton launches on the current device; nothing on a CPU
        _kernel[grid](**arguments, **OPTIONS)


def _arguments(
    out: Tensor,
    planes: Sequence[Tensor],
    format: VideoFormat,
    channels_last: bool,
    high_bits: bool,
) -> dict[str, Any]:
    """Every argument of the kernel by name."""
    first, second, third = _three(planes)
    across, down = format.pixel.subsampling
    cosited, colors = Cosited.of(format), ToRgb.of(format, high_bits=high_bits)
    even_x, odd_x = Cosited.weights(across, cosited.across)
    even_y, odd_y = Cosited.weights(down, cosited.down)
    weights = {"even_x": even_x, "odd_x": odd_x, "even_y": even_y, "odd_y": odd_y}
    rows = zip("rgb", (colors.red, colors.green, colors.blue), strict=True)
    matrix = {f"{name}{i}": k for name, row in rows for i, k in enumerate(row)}
    strides: dict[str, int] = {}
    for i, plane in enumerate((first, second, third)):
        strides |= {f"batch_stride{i}": plane.stride(0), f"pitch{i}": plane.stride(1)}
    return {
        "out": out, "plane0": first, "plane1": second, "plane2": third,
        "width": format.width, "height": format.height,
        "chroma_width": second.shape[2], "chroma_height": second.shape[1],
        **strides, "step": second.stride(2),
        "across": across - 1, "down": down - 1, **weights,
        "offset0": colors.offset0, "offset12": colors.offset12, **matrix,
        "UPSAMPLE": (across, down) != (1, 1), "CHANNELS_LAST": channels_last, "BLOCK": BLOCK,
    }  # fmt: skip


def _three(planes: Sequence[Tensor]) -> tuple[Tensor, Tensor, Tensor]:
    """Three ``[N, h, w]`` views: interleaved chroma as two, grey three times."""
    if len(planes) == 1:
        return planes[0], planes[0], planes[0]
    if len(planes) == 2:
        return planes[0], planes[1].select(-1, 0), planes[1].select(-1, 1)
    return planes[0], planes[1], planes[2]


def variants() -> list[Variant]:
    """All that ships: either storage, result type and memory order, with and without upsampling."""
    choices = product((8, 16), _DTYPES, (False, True), ((1, 1), (2, 2)))
    return [_variant(*choice) for choice in choices]


def _variant(
    depth: int, dtype: torch.dtype, channels_last: bool, subsampling: tuple[int, int]
) -> Variant:
    pixel = PixelFormat("yuv", depth, subsampling)
    format = VideoFormat(1920, 1088, pixel, ColorSpec(matrix=MATRIX_BT709))
    planes = [torch.empty(1, *s, dtype=pixel.dtype, device="meta") for s in format.plane_sizes]
    out = torch.empty(1, 3, format.height, format.width, dtype=dtype, device="meta")
    order = "nhwc" if channels_last else "nchw"
    chroma = "444" if subsampling == (1, 1) else "subsampled"
    name = f"{type_name(pixel.dtype)}-{type_name(dtype)}-{order}-{chroma}"
    arguments = _arguments(out, planes, format, channels_last, high_bits=False)
    return Variant.of(name, _kernel, arguments, OPTIONS)
