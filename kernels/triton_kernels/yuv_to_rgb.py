"""Decoded planes to RGB in one pass over memory, by the kernel of yuv_to_rgb_kernel.py."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from typing import Any

import torch
import triton
from torch import Tensor

from vidsr.errors import OptionError
from vidsr.kernels.triton_kernels.aot import Variant, type_name
from vidsr.kernels.triton_kernels.checks import FLOATS, check_devices, check_grid, check_planes
from vidsr.kernels.triton_kernels.scalars import Cosited, ToRgb
from vidsr.kernels.triton_kernels.yuv_to_rgb_kernel import rgb_kernel
from vidsr.picture.color import MATRIX_BT709, ColorSpec
from vidsr.picture.frame import PixelFormat, VideoFormat

# Four pixels a thread: 38 to 56 registers, so that 1152 threads or more share a multiprocessor.
# Eight, whose planar fp16 would go as 16-byte stores and not 8, took up to 104, and 24 bytes of
# spills on sm_100. 512 cover 1920 and 1280 columns with less waste than 1024. Not yet timed.
BLOCK = 512
# Without fusion every product is rounded by itself, as in torch and in Triton's interpreter, and
# whatever this Triton's default is. Memory bounds the kernel: fewer instructions would gain little.
OPTIONS: dict[str, Any] = {"num_warps": 4, "enable_fp_fusion": False}


def yuv_to_rgb(
    planes: Sequence[Tensor],
    format: VideoFormat,
    *,
    dtype: torch.dtype = torch.float16,
    channels_last: bool = True,
    high_bits: bool = False,
    out: Tensor | None = None,
) -> Tensor:
    """Turn planes of one size, ``[h, w]`` or ``[N, h, w]``, into RGB ``[N, 3, H, W]`` in [0, 1].

    ``planes`` are uint8 (depth 8) or uint16: Y, Cb, Cr; or Y and CbCr ``[..., h, w, 2]`` (NV12,
    P010 and their kin); or grey; or G, B, R. The last stride is 1, row pitch and batch stride are
    free. ``high_bits``: each sample is ``code << (16 - depth)``, as in P010. The result is float16
    or float32, channels last or contiguous; ``out`` is such a tensor to write to. One launch on the
    current stream. Raises InputError for a matrix without (Kr, Kb), OptionError for planes or an
    ``out`` of another shape, type, order or device.
    """
    if dtype not in FLOATS:
        raise OptionError(f"{dtype = }: expected torch.float16 or torch.float32")
    planes = _batched(planes)
    check_planes(planes, format)
    check_devices(rgb_kernel, [p.device for p in planes])
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
    """Return the planes as ``[N, h, w]`` or ``[N, h, w, 2]``; one of two is interleaved chroma."""
    interleaved = len(planes) == 2
    ranks = [3 + (interleaved and i == 1) for i in range(len(planes))]
    return [p[None] if p.ndim == r - 1 else p for p, r in zip(planes, ranks, strict=True)]


def _launch(
    out: Tensor,
    planes: Sequence[Tensor],
    format: VideoFormat,
    *,
    channels_last: bool,
    high_bits: bool,
) -> None:
    arguments = _arguments(out, planes, format, channels_last, high_bits)
    grid = check_grid((triton.cdiv(format.width, BLOCK), format.height, len(out)))
    with torch.cuda.device_of(out):  # Triton launches on the current device; nothing on a CPU
        rgb_kernel[grid](**arguments, **OPTIONS)


def _arguments(
    out: Tensor,
    planes: Sequence[Tensor],
    format: VideoFormat,
    channels_last: bool,
    high_bits: bool,
) -> dict[str, Any]:
    """Return every argument of the kernel by name."""
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
    """Return three ``[N, h, w]`` views: interleaved chroma as two, grey three times."""
    if len(planes) == 1:
        return planes[0], planes[0], planes[0]
    if len(planes) == 2:
        return planes[0], planes[1].select(-1, 0), planes[1].select(-1, 1)
    return planes[0], planes[1], planes[2]


def variants() -> list[Variant]:
    """Return all that ships: storage, result type, memory order, with and without upsampling."""
    choices = product((8, 16), FLOATS, (False, True), ((1, 1), (2, 2)))
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
    return Variant.of(name, rgb_kernel, arguments, OPTIONS)
