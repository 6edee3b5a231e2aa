"""Checks of the launchers, and the strides that they hand to kernels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
import triton
from torch import Tensor

from vidsr.errors import OptionError
from vidsr.picture.frame import VideoFormat

SHUFFLES = (1, 2, 4)
FLOATS = (torch.float16, torch.float32)
GRID_LIMITS = (2**31 - 1, 65535, 65535)  # CUDA's, of blocks along x, y and z

_ELSEWHERE = "vidsr.picture.conversion converts on any device and in any size."


def check_grid(grid: tuple[int, int, int]) -> tuple[int, int, int]:
    """Return ``grid`` itself: programs across, down, and for the batch.

    Raises OptionError for more than CUDA launches. That is more than 65535 pictures, or more than
    65535 rows of one in yuv_to_rgb; programs behind a shuffle make two picture rows, or four.
    """
    if any(n > limit for n, limit in zip(grid, GRID_LIMITS, strict=True)):
        raise OptionError(
            f"{grid} programs across, down and for the batch: expected {GRID_LIMITS} at most",
            hint=_ELSEWHERE,
        )
    return grid


def check_devices(kernel: Any, devices: Sequence[torch.device]) -> None:
    """Raise OptionError unless ``kernel`` can run on tensors of these devices."""
    runs = not isinstance(kernel, triton.JITFunction) or devices[0].type == "cuda"
    if len(set(devices)) > 1 or not runs:
        raise OptionError(
            f"tensors on {[str(d) for d in devices]}: expected one CUDA device", hint=_ELSEWHERE
        )


def check_planes(planes: Sequence[Tensor], format: VideoFormat) -> None:
    """Raise OptionError unless batched ``planes`` are what ``format`` says."""
    sizes: list[tuple[int, ...]] = list(format.plane_sizes)
    if len(planes) == 2 and format.pixel.family == "yuv":
        sizes[1:] = [(*sizes[1], 2)]
    check_batch(planes, sizes, format.pixel.dtype)


def check_batch(
    planes: Sequence[Tensor], sizes: Sequence[tuple[int, ...]], dtype: torch.dtype
) -> None:
    """Raise OptionError unless ``planes`` are N of each size, with samples side by side."""
    shapes = [tuple(p.shape) for p in planes]
    count = max([1, *shapes[0][:1]]) if shapes else 1
    if shapes != [(count, *size) for size in sizes]:
        raise OptionError(f"planes {shapes}; need N >= 1 of each of {list(sizes)}")
    if any(p.dtype != dtype for p in planes):
        raise OptionError(f"planes {[p.dtype for p in planes]}; need {dtype}")
    if any(p.stride(-1) != 1 and p.shape[-1] > 1 for p in planes):
        raise OptionError(f"planes of strides {[p.stride() for p in planes]}; need 1 as the last")


def strides(tensor: Tensor) -> tuple[int, ...]:
    """Return strides in samples; 0 where the size is 1, for torch may have anything there.

    Triton compiles anew for a stride of 1 and loses wide accesses over one that 16 does not divide.
    """
    return tuple(s if n > 1 else 0 for s, n in zip(tensor.stride(), tensor.shape, strict=True))


def phases_strides(phases: Tensor) -> tuple[int, int, int, int]:
    """Return strides of batch, channel, row and pixel; that of pixels or of channels is 1.

    Raises OptionError where neither is.
    """
    batch, channel, row, pixel = strides(phases)
    if phases.shape[3] == 1:
        pixel = phases.shape[1] if channel == 1 else 1
    if pixel != 1 and (pixel < 1 or channel > 1):
        raise OptionError(f"{phases.stride() = }; that of the channels or of the pixels must be 1")
    return batch, channel, row, pixel


def check_phases(phases: Tensor, r: int) -> int:
    """Return the channels of the picture.

    Raises OptionError for what is no ``[N, C*r*r, h, w]`` of floats, or is channels last with
    pixels that are not a multiple of ``r*r`` apart.
    """
    if r not in SHUFFLES:
        raise OptionError(f"pixel shuffle by {r}: expected one of {SHUFFLES}")
    if phases.dtype not in FLOATS:
        raise OptionError(f"{phases.dtype = }: expected float16 or float32")
    if phases.ndim != 4 or phases.numel() == 0 or phases.shape[1] % r**2:
        raise OptionError(f"{tuple(phases.shape) = }; need [N, C*{r * r}, h, w], none of them 0")
    pixel = phases_strides(phases)[3]
    if pixel > 1 and pixel % r**2:
        raise OptionError(f"{phases.stride() = }; pixels must be a multiple of {r * r} apart")
    return phases.shape[1] // r**2


def check_plane(plane: Tensor, shape: tuple[int, ...], dtypes: tuple[torch.dtype, ...]) -> None:
    """Raise OptionError for a target of another shape or dtype, or with gaps between samples."""
    if tuple(plane.shape) != shape or plane.dtype not in dtypes:
        names = " or ".join(map(str, dtypes))
        raise OptionError(f"out: {tuple(plane.shape)} {plane.dtype}; need {shape} {names}")
    if strides(plane)[-1] > 1:
        raise OptionError(f"out: {plane.stride() = }; samples of a row must lie side by side")
