"""Phases to a picture: pixel shuffle in one pass, and the Triton pieces that other kernels share.

A network's last layer leaves ``[N, C*r*r, h, w]``: sample ``(y*r + py, x*r + px)`` of picture
channel ``c`` is channel ``c*r*r + py*r + px`` at ``(y, x)``, as torch.pixel_shuffle has it.
"""

from __future__ import annotations

from typing import Any

import torch
import triton
import triton.language as tl
from torch import Tensor

from vidsr.errors import OptionError
from vidsr.kernels.aot import Variant

SHUFFLES = (1, 2, 4)
FLOATS = (torch.float16, torch.float32)
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
    phases, rows, columns, width, row_stride, channel_stride,
    C: tl.constexpr, PIXEL_STRIDE: tl.constexpr, R: tl.constexpr,
):  # fmt: skip
    """Channel ``C`` of low-resolution ``rows`` x ``columns`` -> [rows, columns, R*R] float32.

    The phases of a pixel are one axis, not two: that makes runs of channels-last input long enough
    for 16-byte loads. A pixel stride above 1 says that channels lie side by side.
    """
    if PIXEL_STRIDE > 1:
        channel_stride = 1
    phase = C * R * R + tl.arange(0, R * R)
    at = rows[:, None, None].to(tl.int64) * row_stride + columns[None, :, None] * PIXEL_STRIDE
    at += phase[None, None, :].to(tl.int64) * channel_stride
    return tl.load(phases + at, mask=(columns < width)[None, :, None], other=0.0).to(tl.float32)


@triton.jit
def to_picture(tile, ROWS: tl.constexpr, COLUMNS: tl.constexpr, R: tl.constexpr):
    """[ROWS, COLUMNS, R*R] -> [ROWS*R, COLUMNS*R]: the shuffle itself."""
    phases = tl.reshape(tile, (ROWS, COLUMNS, R, R))
    return tl.reshape(tl.permute(phases, (0, 2, 1, 3)), (ROWS * R, COLUMNS * R))


@triton.jit
def store_picture(plane, values, y, x, height, width, pitch):
    """Store ``values`` [y, x] at rows ``y`` and columns ``x``, where those are in the picture."""
    at = y[:, None].to(tl.int64) * pitch + x[None, :]
    tl.store(plane + at, values, mask=(y < height)[:, None] & (x < width)[None, :])


@triton.jit(do_not_specialize=["height", "channels"])
def _shuffle_kernel(
    phases, out, height, width, channels,
    batch_stride, channel_stride, row_stride, out_batch_stride, out_channel_stride, out_pitch,
    offset,
    CLAMP: tl.constexpr, PIXEL_STRIDE: tl.constexpr, R: tl.constexpr,
    ROWS: tl.constexpr, COLUMNS: tl.constexpr,
):  # fmt: skip
    image = (tl.program_id(2) // channels).to(tl.int64)
    channel = (tl.program_id(2) % channels).to(tl.int64)
    rows = tl.minimum(tl.program_id(1) * ROWS + tl.arange(0, ROWS), height - 1)
    columns = tl.program_id(0) * COLUMNS + tl.arange(0, COLUMNS)
    phases += image * batch_stride + channel * R * R * channel_stride
    tile = load_phases(phases, rows, columns, width, row_stride, channel_stride, 0, PIXEL_STRIDE, R)
    tile += offset
    if CLAMP:
        tile = tl.minimum(tl.maximum(tile, 0.0), 1.0)
    picture = to_picture(tile.to(out.dtype.element_ty), ROWS, COLUMNS, R)
    y = tl.program_id(1) * (ROWS * R) + tl.arange(0, ROWS * R)
    x = tl.program_id(0) * (COLUMNS * R) + tl.arange(0, COLUMNS * R)
    out += image * out_batch_stride + channel * out_channel_stride
    store_picture(out, picture, y, x, height * R, width * R, out_pitch)


def phases_arguments(phases: Tensor, r: int) -> dict[str, Any]:
    """What every kernel here takes, and a tile of two picture rows or more, for 4:2:0 chroma."""
    batch, channel, row, pixel = phases_strides(phases)
    rows = max(1, 2 // r)
    return {
        "phases": phases,
        "height": phases.shape[2],
        "width": phases.shape[3],
        "batch_stride": batch,
        "channel_stride": channel,
        "row_stride": row,
        "PIXEL_STRIDE": pixel,
        "R": r,
        "ROWS": rows,
        "COLUMNS": TILE_SAMPLES // (rows * r * r),
    }


def tile_grid(phases: Tensor, arguments: dict[str, Any]) -> tuple[int, int]:
    """Programs across and down."""
    height, width = phases.shape[2:]
    return triton.cdiv(width, arguments["COLUMNS"]), triton.cdiv(height, arguments["ROWS"])


def example_phases(channels: int, r: int, dtype: torch.dtype, order: str) -> Tensor:
    """``[1, channels*r*r, 64, 64]`` on the meta device, for kernels compiled ahead of time."""
    shape = (1, channels * r * r, 64, 64)
    return torch.empty(shape, dtype=dtype, device="meta", memory_format=LAYOUTS[order])


def strides(tensor: Tensor) -> tuple[int, ...]:
    """Strides in samples; 0 where the size is 1, for torch may have anything there.

    Triton compiles anew for a stride of 1 and loses wide accesses over one that 16 does not divide.
    """
    return tuple(s if n > 1 else 0 for s, n in zip(tensor.stride(), tensor.shape, strict=True))


def phases_strides(phases: Tensor) -> tuple[int, int, int, int]:
    """Of batch, channel, row and pixel; the latter is 1, or more where the channel's is 1.

    Raises OptionError where neither is.
    """
    batch, channel, row, pixel = strides(phases)
    if phases.shape[3] == 1:
        pixel = phases.shape[1] if channel == 1 else 1
    if pixel != 1 and (pixel < 1 or channel > 1):
        raise OptionError(f"{phases.stride() = }; that of the channels or of the pixels must be 1")
    return batch, channel, row, pixel


def check_phases(phases: Tensor, r: int) -> int:
    """Channels of the picture. Raises OptionError for what is no ``[N, C*r*r, h, w]`` of floats."""
    if r not in SHUFFLES:
        raise OptionError(f"pixel shuffle by {r}; allowed: {SHUFFLES}")
    if phases.dtype not in FLOATS:
        raise OptionError(f"{phases.dtype = }; allowed: float16, float32")
    if phases.ndim != 4 or phases.numel() == 0 or phases.shape[1] % r**2:
        raise OptionError(f"{tuple(phases.shape) = }; need [N, C*{r * r}, h, w], none of them 0")
    phases_strides(phases)
    return phases.shape[1] // r**2


def check_plane(plane: Tensor, shape: tuple[int, ...], dtypes: tuple[torch.dtype, ...]) -> None:
    """Raises OptionError for a target of another shape or dtype, or with gaps between samples."""
    if tuple(plane.shape) != shape or plane.dtype not in dtypes:
        names = " or ".join(map(str, dtypes))
        raise OptionError(f"out: {tuple(plane.shape)} {plane.dtype}; need {shape} {names}")
    if strides(plane)[-1] > 1:
        raise OptionError(f"out: {plane.stride() = }; samples of a row must lie side by side")


def pixel_shuffle(
    phases: Tensor,
    r: int,
    *,
    offset: float = 0.0,
    clamp: bool = True,
    dtype: torch.dtype | None = None,
    out: Tensor | None = None,
) -> Tensor:
    """``[N, C*r*r, h, w]`` float16 or float32 -> ``[N, C, h*r, w*r]``, ``offset`` added in float32.

    Any strides are read as they are. ``clamp`` keeps the result in [0, 1]. It is contiguous, in
    ``dtype`` (default: that of ``phases``), or it is ``out``, whose rows may have any pitch.
    Raises OptionError for other shapes, dtypes and factors than 1, 2 and 4.
    """
    channels = check_phases(phases, r)
    n, _, h, w = phases.shape
    shape = (n, channels, h * r, w * r)
    if out is None:
        out = torch.empty(shape, dtype=dtype or phases.dtype, device=phases.device)
    check_plane(out, shape, FLOATS if dtype is None else (dtype,))
    if out.dtype not in FLOATS:
        raise OptionError(f"{dtype = }; allowed: float16, float32")
    _launch(phases, out, r, offset, clamp)
    return out


def _launch(phases: Tensor, out: Tensor, r: int, offset: float, clamp: bool) -> None:
    arguments = _arguments(phases, out, r, offset, clamp)
    across, down = tile_grid(phases, arguments)
    with torch.cuda.device_of(phases):
        _shuffle_kernel[across, down, out.shape[0] * out.shape[1]](**arguments, **OPTIONS)


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
        "CLAMP": clamp,
    }


def variants() -> list[Variant]:
    """Three float16 channels by 2 and by 4, from either layout."""
    return [_variant(r, order) for r in (2, 4) for order in LAYOUTS]


def _variant(r: int, order: str) -> Variant:
    phases = example_phases(3, r, torch.float16, order)
    out = torch.empty(1, 3, 64 * r, 64 * r, dtype=torch.float16, device="meta")
    arguments = _arguments(phases, out, r, 0.5, True)
    return Variant.of(f"fp16-{order}-x{r}", _shuffle_kernel, arguments, OPTIONS)
