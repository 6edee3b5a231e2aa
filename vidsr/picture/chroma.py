"""Luma apart from chroma: the chroma that luma networks leave to interpolation, and its siting."""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction

import torch
from torch import Tensor

from vidsr.picture import conversion
from vidsr.picture.color import (
    LUMA_WEIGHTS,
    MATRIX_BT601,
    MATRIX_BT709,
    MATRIX_UNSPECIFIED,
    RANGE_FULL,
    ColorSpec,
    Quantization,
    chroma_position,
)
from vidsr.picture.frame import Frame, PixelFormat, VideoFormat
from vidsr.picture.resample import chroma_grid, resample
from vidsr.picture.size import Size

# How RGB pictures are split into luma and chroma for luma engines.
_SPLIT = ColorSpec(matrix=MATRIX_BT601, range=RANGE_FULL, siting="center")


@dataclass(frozen=True)
class Components:
    """Luma and chroma of one picture as floats, and the format they are read by.

    Attributes:
        luma: ``[h, w]`` float32.
        chroma: ``[2, hc, wc]`` float32, or None for grey.
        layout: Format whose subsampling, siting and matrix the two follow.
    """

    luma: Tensor
    chroma: Tensor | None
    layout: VideoFormat


def components(frame: Frame) -> Components:
    """Return the luma and chroma of ``frame``; RGB pictures are split by BT.601."""
    layout = frame.format
    if layout.pixel.family == "rgb":
        return split(conversion.yuv_to_rgb(frame.planes, layout))
    quant = conversion.quantization(layout)
    luma = conversion.dequantize_luma(frame.planes[0], quant)
    if layout.pixel.family == "gray":
        return Components(luma, None, layout)
    chroma_planes = [conversion.dequantize_chroma(p, quant) for p in frame.planes[1:]]
    return Components(luma, torch.stack(chroma_planes), layout)


def split(rgb: Tensor) -> Components:
    """Split ``[3, h, w]`` RGB, which is overwritten, into luma and full-resolution chroma."""
    via = VideoFormat(rgb.shape[2], rgb.shape[1], PixelFormat("yuv", 16), _SPLIT)
    luma, *chroma = conversion.from_rgb(rgb, via)
    return Components(luma, torch.stack(chroma), via)


def keeps_matrix(source: VideoFormat, target: VideoFormat) -> bool:
    """Return True if luma and chroma of ``source`` hold for ``target`` as they are."""
    if "rgb" in (source.pixel.family, target.pixel.family):
        return False
    if "gray" in (source.pixel.family, target.pixel.family):
        return True
    # 5 and 6 are two names of BT.601.
    codes = {6 if c == 5 else c for c in (source.color.matrix, target.color.matrix)}
    return len(codes) == 1


def with_weights(target: VideoFormat) -> VideoFormat:
    """Return ``target`` with a matrix that turns RGB into luma.

    Grey has none, nor has colour made of it: equal channels, so any weights will do.
    """
    gray, matrix = target.pixel.family == "gray", target.color.matrix
    if matrix == MATRIX_UNSPECIFIED or (gray and matrix not in LUMA_WEIGHTS):
        return replace(target, color=replace(target.color, matrix=MATRIX_BT709))
    return target


def chroma_planes(parts: Components, target: VideoFormat, quant: Quantization) -> list[Tensor]:
    """Return the two chroma planes of ``target`` as code values; grey gives the middle value."""
    dtype = target.pixel.dtype
    if parts.chroma is None:
        (height, width), middle = target.plane_sizes[1], int(quant.chroma_offset)
        grey = torch.full((height, width), middle, dtype=torch.int32, device=parts.luma.device)
        return [grey.to(dtype), grey.to(dtype)]
    chroma = resample_chroma(parts.chroma, parts.layout, target, target.pixel)
    return [conversion.quantize_chroma(c, quant, dtype) for c in chroma]


def resample_chroma(
    chroma: Tensor, source: VideoFormat, target: VideoFormat, grid: PixelFormat
) -> Tensor:
    """Resample ``[2, hc, wc]`` of ``source`` to ``target``, subsampled as ``grid`` is; bicubic."""
    steps, origins = [], []
    for axis, index in (("y", 1), ("x", 0)):
        old, new = source.pixel.subsampling[index], grid.subsampling[index]
        scale = Fraction(
            target.width if axis == "x" else target.height,
            source.width if axis == "x" else source.height,
        )
        position = chroma_position(old, axis, source.color.siting)  # type: ignore[arg-type]
        wanted = chroma_position(new, axis, target.color.siting)  # type: ignore[arg-type]
        step, origin = chroma_grid(scale, old, position, new, wanted)
        steps.append(step)
        origins.append(origin)
    rows, columns = grid.plane_sizes(target.width, target.height)[1]
    large = resample(
        chroma[None],
        Size(columns, rows),
        step=(steps[0], steps[1]),
        origin=(origins[0], origins[1]),
    )
    return large[0]


def join(luma: Tensor, parts: Components, target: VideoFormat) -> Tensor:
    """Return ``[3, H, W]`` RGB made of large luma and small chroma."""
    if parts.chroma is None:
        return luma.expand(3, -1, -1)
    grid = PixelFormat("yuv", target.pixel.depth)
    chroma = resample_chroma(parts.chroma, parts.layout, target, grid)
    return _into_gamut(conversion.to_rgb(luma, chroma, parts.layout), luma)


def _into_gamut(rgb: Tensor, luma: Tensor) -> Tensor:
    """Bring ``[3, H, W]`` into [0, 1] by taking away colour, not luma; ``rgb`` is overwritten.

    Beside a sharpened edge the interpolated chroma is too strong for the luma. Clipping channels
    would change the luma there: it costs lite-x4 0.24 dB on one picture of Set14.
    """
    luma = luma.clamp(0, 1)
    rgb -= luma
    room = torch.where(rgb > 0, 1 - luma, luma)
    keep = (room / rgb.abs().clamp_(min=1e-6)).clamp_(max=1).amin(dim=0)
    return rgb.mul_(keep).add_(luma)
