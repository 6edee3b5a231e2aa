"""Phases to YUV planes in one pass over memory, by the kernel of shuffle_to_yuv_kernel.py."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import Any

import torch
from torch import Tensor

from vidsr.errors import OptionError
from vidsr.kernels.triton_kernels.aot import Variant, type_name
from vidsr.kernels.triton_kernels.checks import (
    FLOATS,
    SHUFFLES,
    check_devices,
    check_phases,
    check_plane,
    strides,
)
from vidsr.kernels.triton_kernels.pixel_shuffle import (
    LAYOUTS,
    OPTIONS,
    example_phases,
    phases_arguments,
    tile_grid,
)
from vidsr.kernels.triton_kernels.scalars import Cosited, Levels, ToYuv
from vidsr.kernels.triton_kernels.shuffle_to_luma import Coding, shuffle_to_plane
from vidsr.kernels.triton_kernels.shuffle_to_yuv_kernel import yuv_kernel
from vidsr.picture.color import MATRIX_BT709, ColorSpec
from vidsr.picture.frame import PixelFormat, VideoFormat

_GBR_OF_RGB = (1, 2, 0)  # FFmpeg's gbrp stores green, blue, red


@dataclass(frozen=True)
class _Target:
    """Target of the planes."""

    format: VideoFormat
    levels: Levels
    semi_planar: bool

    def shapes(self, n: int, channels: int) -> list[tuple[int, ...]]:
        """Return the shape of each plane, for ``n`` pictures out of a network of ``channels``."""
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
    """Turn ``[N, C*r*r, h, w]`` float16 or float32, ``r = shuffle``, into planes of ``format``.

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
    check_devices(yuv_kernel, [phases.device, *(plane.device for plane in out)])
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
        raise OptionError(f"phases of {channels} channels: expected 1 or 3")
    if (format.width, format.height) != (w * r, h * r):
        size = f"{format.width}x{format.height}"
        raise OptionError(f"target {size}; {tuple(phases.shape) = } makes {w * r}x{h * r}")
    if target.semi_planar and format.pixel.family != "yuv":
        raise OptionError(f"semi_planar with {format.pixel.name}: expected YUV formats")


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
    grid = tile_grid(phases, arguments, phases.shape[0])
    with torch.cuda.device_of(phases):
        yuv_kernel[grid](**arguments, **_options(r))


def _options(r: int) -> dict[str, Any]:
    """Return the launch's options: without a shuffle twice the warps, of half the samples each.

    In two, and with no size or stride a multiple of 16, six of the float16 kernels to 4:2:0 spill 8
    to 24 bytes on sm_90 at 72 registers, by the --regAllocOptLevel=2 that Triton 3.9 hands ptxas;
    in four none does on sm_80, 90 and 120, aligned or not, and they take 47 to 53 registers.
    """
    return OPTIONS if r > 1 else {**OPTIONS, "num_warps": 4}


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
    """Return divisors: chroma is a sum over one, which float32 rounds as the reference's."""
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


_PIXELS = (
    PixelFormat("yuv", 8, (2, 2)),
    PixelFormat("yuv", 8, (2, 1)),
    PixelFormat("yuv", 8),
    PixelFormat("gray", 8),
)


def variants() -> list[Variant]:
    """Return all that is launched; deeper than 8 bits is the same kernel whatever the depth."""
    targets = [
        (replace(pixel, depth=depth), semi)
        for pixel in _PIXELS
        for depth in (8, 16)
        for semi in ((False, True) if pixel.family == "yuv" else (False,))
    ]
    return [_variant(*c, *target) for c in product(FLOATS, LAYOUTS, SHUFFLES) for target in targets]


def _variant(
    dtype: torch.dtype, order: str, r: int, pixel: PixelFormat, semi_planar: bool
) -> Variant:
    format = VideoFormat(64 * r, 64 * r, pixel, ColorSpec(matrix=MATRIX_BT709))
    target = _Target(format, Levels.of(format), semi_planar)
    planes = [torch.empty(s, dtype=pixel.dtype, device="meta") for s in target.shapes(1, 3)]
    arguments = _arguments(example_phases(3, r, dtype, order), planes, r, 0.5, target)
    name = f"{type_name(dtype)}-{order}-x{r}-{pixel.name}" + "-semi" * semi_planar
    return Variant.of(name, yuv_kernel, arguments, _options(r))
