"""Chroma of a small picture to that of a larger one in one launch, by resample_chroma_kernel.py."""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction
from itertools import product
from typing import Any, NamedTuple

import torch
import triton
from torch import Tensor

from vidsr.errors import OptionError
from vidsr.kernels.triton_kernels.aot import Variant, type_name
from vidsr.kernels.triton_kernels.checks import (
    check_batch,
    check_devices,
    check_grid,
    check_plane,
    strides,
)
from vidsr.kernels.triton_kernels.resample_chroma_kernel import chroma_kernel
from vidsr.kernels.triton_kernels.scalars import Levels
from vidsr.picture.color import ColorSpec, chroma_position
from vidsr.picture.frame import PixelFormat, VideoFormat
from vidsr.picture.resample import chroma_grid

# Samples of each target plane that a program makes. Rows share what was resampled across: 8 of them
# at a step of 1/4 read 6 source rows, 3 loads a sample; each by itself would read 16. Chosen by
# instructions a sample at that step (sm_90, no spills, registers in brackets), rows x columns:
#   8 x 128 in 2 warps 69 [80], in 4 warps 95 [48]; 16 x 64 in 2 warps 91 [80], in 1 warp 62 [161].
# Still to be measured on a GPU.
ROWS, COLUMNS = 8, 128
# What they read of the source at a step of 1/4 or less, 1/2 or less, and 1 or less.
SOURCE_ROWS = (6, 8, ROWS + 3)
# Fused multiply-adds are asked for by name; the rest rounds by itself.
OPTIONS: dict[str, Any] = {"num_warps": 2, "enable_fp_fusion": False}


class _Axis(NamedTuple):
    """Output ``j`` lies at source coordinate ``(start + j*stride) / unit - 1``."""

    start: int
    stride: int
    unit: int

    @classmethod
    def of(cls, source: VideoFormat, target: VideoFormat, index: int) -> _Axis:
        """Return axis 0, across, or 1, down. Raises OptionError for what makes chroma smaller."""
        name, sizes = ("x", "width") if index == 0 else ("y", "height")
        old, new = source.pixel.subsampling[index], target.pixel.subsampling[index]
        scale = Fraction(getattr(target, sizes), getattr(source, sizes))
        position = chroma_position(old, name, source.color.siting)  # type: ignore[arg-type]
        wanted = chroma_position(new, name, target.color.siting)  # type: ignore[arg-type]
        step, origin = chroma_grid(scale, old, position, new, wanted)
        if step > 1 or origin < -1:
            raise OptionError(
                f"chroma of {source.width}x{source.height} {source.pixel.name} to "
                f"{target.width}x{target.height} {target.pixel.name}: expected no fewer samples",
                hint="vidsr.picture.chroma resamples to any size.",
            )
        unit = math.lcm(step.denominator, origin.denominator)
        return cls(int((origin + 1) * unit), int(step * unit), unit)

    @property
    def source_rows(self) -> int:
        """Rows that ROWS outputs read, 4 each; in three sizes, for few kernels to compile."""
        span = -(-(ROWS - 1) * self.stride // self.unit)
        return next(rows for rows in SOURCE_ROWS if span + 4 <= rows)


def resample_chroma(
    planes: Sequence[Tensor],
    source: VideoFormat,
    target: VideoFormat,
    *,
    high_bits: bool = False,
    out_semi_planar: bool = False,
    out_high_bits: bool = False,
    out: Sequence[Tensor] | None = None,
) -> tuple[Tensor, ...]:
    """Resample Cb and Cr of ``source`` to those of ``target``, which has as many samples or more.

    ``planes`` are two ``[N, hc, wc]``, or one ``[N, hc, wc, 2]`` (NV12, P010 and their kin) whose
    samples sit in the ``high_bits`` if said so; uint8 (depth 8) or uint16. Rows may have any pitch,
    samples of a row lie side by side. The result is the same for the target: two planes, or one if
    ``out_semi_planar``; ``out`` gives them. Halves are rounded up, codes kept in [0, peak]. The
    matrices must be one: codes change their depth and range, not their colour. One launch on the
    current stream. Raises OptionError for what does not fit together.
    """
    _check(planes, source, target)
    shape: tuple[int, ...] = (len(planes[0]), *target.plane_sizes[1])
    shapes = [(*shape, 2)] if out_semi_planar else [shape, shape]
    if out is None:
        device = planes[0].device
        out = [torch.empty(s, dtype=target.pixel.dtype, device=device) for s in shapes]
    if len(out) != len(shapes):
        raise OptionError(f"{len(out)} planes in out; need {len(shapes)}")
    for plane, wanted in zip(out, shapes, strict=True):
        check_plane(plane, wanted, (target.pixel.dtype,))
    check_devices(chroma_kernel, [p.device for p in (*planes, *out)])
    before, after = (
        Levels.of(source, high_bits=high_bits),
        Levels.of(target, high_bits=out_high_bits),
    )
    arguments = _arguments(planes, out, source, target, before, after)
    grid = check_grid((triton.cdiv(shape[2], COLUMNS), triton.cdiv(shape[1], ROWS), shape[0]))
    with torch.cuda.device_of(planes[0]):
        chroma_kernel[grid](**arguments, **OPTIONS)
    return tuple(out)


def _check(planes: Sequence[Tensor], source: VideoFormat, target: VideoFormat) -> None:
    for form in (source, target):
        if form.pixel.family != "yuv":
            raise OptionError(f"chroma of {form.pixel.name}: expected YUV formats")
    size = source.plane_sizes[1]
    sizes: list[tuple[int, ...]] = [(*size, 2)] if len(planes) == 1 else [size, size]
    check_batch(planes, sizes, source.pixel.dtype)


def _arguments(
    planes: Sequence[Tensor],
    out: Sequence[Tensor],
    source: VideoFormat,
    target: VideoFormat,
    before: Levels,
    after: Levels,
) -> dict[str, Any]:
    cb, cr = planes if len(planes) == 2 else planes[0].unbind(-1)
    (in_height, in_width), (height, width) = source.plane_sizes[1], target.plane_sizes[1]
    arguments: dict[str, Any] = {"cb": cb, "cr": cr, "out_cb": out[0], "out_cr": out[-1]}
    for name, plane in list(arguments.items()):
        batch_stride, pitch = strides(plane)[:2]
        arguments |= {f"{name}_batch_stride": batch_stride, f"{name}_pitch": pitch}
    across, down = _Axis.of(source, target, 0), _Axis.of(source, target, 1)
    for name, axis in (("x", across), ("y", down)):
        arguments |= {f"{name}_{field}": n for field, n in axis._asdict().items()}
    return arguments | {
        "in_width": in_width,
        "in_height": in_height,
        "in_step": cb.stride(2),
        "width": width,
        "height": height,
        "neutral": before.chroma_offset * before.step,
        "gain": after.chroma_span / (before.chroma_span * before.step),
        "neutral_and_half": after.chroma_offset + 0.5,
        "high": after.peak + 0.5,
        "step": after.step,
        "SEMI_PLANAR": len(out) == 1,
        "SOURCE_ROWS": down.source_rows,
        "ROWS": ROWS,
        "COLUMNS": COLUMNS,
    }


def variants() -> list[Variant]:
    """Return all that is launched: either storage on either side, and every step."""
    return [_variant(*c) for c in product((8, 16), (8, 16), (False, True), (1, 2, 4))]


def _variant(before: int, after: int, semi_planar: bool, scale: int) -> Variant:
    small = VideoFormat(128, 128, PixelFormat("yuv", before, (2, 2)), ColorSpec())
    size = 128 * scale
    large = VideoFormat(size, size, PixelFormat("yuv", after, (2, 2)), ColorSpec())
    planes = [_empty(small, ())] * 2
    out = [_empty(large, (2,))] if semi_planar else [_empty(large, ())] * 2
    arguments = _arguments(planes, out, small, large, Levels.of(small), Levels.of(large))
    types = f"{type_name(small.pixel.dtype)}-{type_name(large.pixel.dtype)}"
    name = f"{types}-x{scale}" + "-semi" * semi_planar
    return Variant.of(name, chroma_kernel, arguments, OPTIONS)


def _empty(form: VideoFormat, pair: tuple[int, ...]) -> Tensor:
    return torch.empty(1, *form.plane_sizes[1], *pair, dtype=form.pixel.dtype, device="meta")
