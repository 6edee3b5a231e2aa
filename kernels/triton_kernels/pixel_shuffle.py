"""Phases to a picture: pixel shuffle in one pass, and the Triton pieces that other kernels share.

A network's last layer leaves ``[N, C*r*r, h, w]``: sample ``(y*r + py, x*r + px)`` of picture
channel ``c`` is channel ``c*r*r + py*r + px`` at ``(y, x)``, as torch.pixel_shuffle has it.
"""

from __future__ import annotations

from itertools import product
from typing import Any

import torch
import triton
import triton.language as tl
from torch import Tensor

from vidsr.errors import OptionError
from vidsr.kernels.triton_kernels.aot import Variant, type_name
from vidsr.kernels.triton_kernels.checks import (
    FLOATS,
    SHUFFLES,
    check_devices,
    check_grid,
    check_phases,
    check_plane,
    phases_strides,
    strides,
)

LAYOUTS = {"nhwc": torch.channels_last, "nchw": torch.contiguous_format}

# Picture samples of one program, 16 a thread: two 16-byte loads a channel for r = 4 in fp16,
# channels last, and one 16-byte store of 8-bit luma. Chosen by instructions a sample, of which the
# heaviest user, shuffle_to_yuv to 4:2:0, has (sm_90, no spills, registers in brackets):
#   samples x warps: 1024 x 2 60 [60], 2048 x 4 67 [64], 512 x 2 77 [32], 1024 x 4 87 [40].
# Still to be measured on a GPU.
TILE_SAMPLES = 1024
# A product and a sum round twice, as in kernels/reference.py, unless tl.fma says otherwise.
OPTIONS: dict[str, Any] = {"num_warps": 2, "enable_fp_fusion": False}


@triton.jit
def load_phases(
    phases, rows, columns, width, row_stride, channel_stride, pixel_channels,
    C: tl.constexpr, CHANNELS_LAST: tl.constexpr, R: tl.constexpr,
):  # fmt: skip
    """Load channel ``C`` of low-resolution pixels as [rows, columns, R*R] float32.

    The phases of a pixel are one axis, not two: that makes runs of channels-last input long enough
    for 16-byte loads. The compiler sees that ``R*R`` divides the way to the next pixel, which makes
    one kernel do for any number of channels.
    """
    pixel_stride = 1
    if CHANNELS_LAST:
        channel_stride = 1
        pixel_stride = pixel_channels * (R * R)
    phase = C * R * R + tl.arange(0, R * R)
    at = rows[:, None, None].to(tl.int64) * row_stride + columns[None, :, None] * pixel_stride
    at += phase[None, None, :].to(tl.int64) * channel_stride
    return tl.load(phases + at, mask=(columns < width)[None, :, None], other=0.0).to(tl.float32)


@triton.jit
def to_picture(tile, ROWS: tl.constexpr, COLUMNS: tl.constexpr, R: tl.constexpr):
    """Shuffle [ROWS, COLUMNS, R*R] into [ROWS*R, COLUMNS*R]."""
    phases = tl.reshape(tile, (ROWS, COLUMNS, R, R))
    return tl.reshape(tl.permute(phases, (0, 2, 1, 3)), (ROWS * R, COLUMNS * R))


@triton.jit
def store_picture(plane, values, y, x, height, width, pitch):
    """Store ``values`` [y, x] at rows ``y`` and columns ``x``, where those are in the picture."""
    at = y[:, None].to(tl.int64) * pitch + x[None, :]
    tl.store(plane + at, values, mask=(y < height)[:, None] & (x < width)[None, :])


@triton.jit(do_not_specialize=["height", "channels", "pixel_channels", "clamp"])
def _shuffle_kernel(
    phases, out, height, width, channels,
    batch_stride, channel_stride, row_stride, pixel_channels,
    out_batch_stride, out_channel_stride, out_pitch, offset, clamp,
    CHANNELS_LAST: tl.constexpr, R: tl.constexpr, ROWS: tl.constexpr, COLUMNS: tl.constexpr,
):  # fmt: skip
    image = (tl.program_id(2) // channels).to(tl.int64)
    channel = (tl.program_id(2) % channels).to(tl.int64)
    rows = tl.minimum(tl.program_id(1) * ROWS + tl.arange(0, ROWS), height - 1)
    columns = tl.program_id(0) * COLUMNS + tl.arange(0, COLUMNS)
    phases += image * batch_stride + channel * R * R * channel_stride
    tile = load_phases(
        phases, rows, columns, width, row_stride, channel_stride, pixel_channels,
        0, CHANNELS_LAST, R,
    )  # fmt: skip
    tile += offset
    tile = tl.where(clamp != 0, tl.minimum(tl.maximum(tile, 0.0), 1.0), tile)
    picture = to_picture(tile.to(out.dtype.element_ty), ROWS, COLUMNS, R)
    y = tl.program_id(1) * (ROWS * R) + tl.arange(0, ROWS * R)
    x = tl.program_id(0) * (COLUMNS * R) + tl.arange(0, COLUMNS * R)
    out += image * out_batch_stride + channel * out_channel_stride
    store_picture(out, picture, y, x, height * R, width * R, out_pitch)


def phases_arguments(phases: Tensor, r: int) -> dict[str, Any]:
    """Return what every kernel takes, and a tile of two picture rows or more, for 4:2:0 chroma."""
    batch, channel, row, pixel = phases_strides(phases)
    rows = max(1, 2 // r)
    return {
        "phases": phases,
        "height": phases.shape[2],
        "width": phases.shape[3],
        "batch_stride": batch,
        "channel_stride": channel,
        "row_stride": row,
        "pixel_channels": pixel // r**2,
        "CHANNELS_LAST": pixel > 1,
        "R": r,
        "ROWS": rows,
        "COLUMNS": TILE_SAMPLES // (rows * r * r),
    }


def tile_grid(phases: Tensor, arguments: dict[str, Any], pictures: int) -> tuple[int, int, int]:
    """Return programs across, down and for all pictures. Raises OptionError as check_grid does."""
    height, width = phases.shape[2:]
    across = triton.cdiv(width, arguments["COLUMNS"])
    return check_grid((across, triton.cdiv(height, arguments["ROWS"]), pictures))


def example_phases(channels: int, r: int, dtype: torch.dtype, order: str) -> Tensor:
    """Return ``[1, channels*r*r, 64, 64]`` on the meta device, for kernels compiled early."""
    shape = (1, channels * r * r, 64, 64)
    return torch.empty(shape, dtype=dtype, device="meta", memory_format=LAYOUTS[order])


def pixel_shuffle(
    phases: Tensor,
    r: int,
    *,
    offset: float = 0.0,
    clamp: bool = True,
    dtype: torch.dtype | None = None,
    out: Tensor | None = None,
) -> Tensor:
    """Shuffle ``[N, C*r*r, h, w]`` floats to ``[N, C, h*r, w*r]``, ``offset`` added in float32.

    Strides are read as they are. ``clamp`` keeps the result in [0, 1]. It is contiguous, in
    ``dtype`` (default: that of ``phases``), or it is ``out``, whose rows may have any pitch.
    Raises OptionError for other shapes, dtypes and factors than 1, 2 and 4, tensors of two devices,
    and as check_phases and check_grid do.
    """
    channels = check_phases(phases, r)
    n, _, h, w = phases.shape
    shape = (n, channels, h * r, w * r)
    if out is None:
        out = torch.empty(shape, dtype=dtype or phases.dtype, device=phases.device)
    check_plane(out, shape, FLOATS if dtype is None else (dtype,))
    if out.dtype not in FLOATS:
        raise OptionError(f"{dtype = }: expected float16 or float32")
    check_devices(_shuffle_kernel, [phases.device, out.device])
    _launch(phases, out, r, offset, clamp)
    return out


def _launch(phases: Tensor, out: Tensor, r: int, offset: float, clamp: bool) -> None:
    arguments = _arguments(phases, out, r, offset, clamp)
    grid = tile_grid(phases, arguments, out.shape[0] * out.shape[1])
    with torch.cuda.device_of(phases):
        _shuffle_kernel[grid](**arguments, **OPTIONS)


def _arguments(phases: Tensor, out: Tensor, r: int, offset: float, clamp: bool) -> dict[str, Any]:
    out_batch_stride, out_channel_stride, out_pitch, _ = strides(out)
    return {
        **phases_arguments(phases, r),
        "out": out,
        "channels": out.shape[1],
        "out_batch_stride": out_batch_stride,
        "out_channel_stride": out_channel_stride,
        "out_pitch": out_pitch,
        "offset": float(offset),
        "clamp": int(clamp),
    }


def variants() -> list[Variant]:
    """Return all that ``pixel_shuffle`` launches; vidsr itself tries with it if kernels run."""
    return [_variant(*c) for c in product(FLOATS, LAYOUTS, SHUFFLES, FLOATS)]


def _variant(dtype: torch.dtype, order: str, r: int, result: torch.dtype) -> Variant:
    phases = example_phases(3, r, dtype, order)
    out = torch.empty(1, 3, 64 * r, 64 * r, dtype=result, device="meta")
    arguments = _arguments(phases, out, r, 0.5, True)
    name = f"{type_name(dtype)}-{order}-x{r}-{type_name(result)}"
    return Variant.of(name, _shuffle_kernel, arguments, OPTIONS)
