"""One low-resolution frame to one high-resolution frame: planes in, planes out."""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction

import torch
from torch import Tensor

from vidsr.color import (
    LUMA_WEIGHTS,
    MATRIX_BT601,
    MATRIX_BT709,
    MATRIX_RGB,
    MATRIX_UNSPECIFIED,
    RANGE_FULL,
    ColorSpec,
    Quantization,
    chroma_position,
)
from vidsr.engines.engine import Engine
from vidsr.frame import Frame, PixelFormat, VideoFormat
from vidsr.kernels import reference
from vidsr.resample import chroma_grid, resample
from vidsr.tiling import run_tiled

Tile = tuple[int, int] | None
RGB_FULL = ColorSpec(matrix=MATRIX_RGB, range=RANGE_FULL, siting="center")
# How RGB pictures are split into luma and chroma for luma engines.
_SPLIT = ColorSpec(matrix=MATRIX_BT601, range=RANGE_FULL, siting="center")


def enlarge(frame: Frame, target: VideoFormat, engine: Engine, tile: Tile) -> Frame:
    """Enlarge ``frame`` with ``engine`` and deliver it in ``target``'s size, samples and colour.

    A size other than ``engine.scale`` times the frame's is reached by a final Lanczos resize.
    Luma engines leave chroma to bicubic interpolation where it is sited and need no matrix as
    long as source and target have the same one.
    """
    with torch.inference_mode():
        planes = tuple(p.to(engine.device) for p in frame.planes)
        inputs = Frame(planes, frame.format, frame.pts)
        by = _by_luma if engine.channels == 1 else _by_rgb
        result = tuple(p.cpu() for p in by(inputs, target, engine, tile))
    return Frame(result, target, frame.pts, frame.duration)


def resize(x: Tensor, size: tuple[int, int]) -> Tensor:
    """``[N, C, h, w]`` -> ``[N, C, H, W]``, Lanczos, antialiased; unchanged where sizes agree."""
    if tuple(x.shape[2:]) == size:
        return x
    step = (Fraction(x.shape[2], size[0]), Fraction(x.shape[3], size[1]))
    return resample(
        x, size, step=step, origin=((step[0] - 1) / 2, (step[1] - 1) / 2), kernel="lanczos"
    )


def _by_rgb(frame: Frame, target: VideoFormat, engine: Engine, tile: Tile) -> tuple[Tensor, ...]:
    rgb = reference.yuv_to_rgb(frame.planes, frame.format)
    large = torch.pixel_shuffle(run_tiled(engine, rgb[None], tile), engine.shuffle)
    large = resize(large, (target.height, target.width))[0]
    if engine.scale == 1 and _same_grids(frame.format, target):
        return _changed(frame, large.clamp_(0, 1).sub_(rgb), target)
    return _from_rgb(large, target)


def _same_grids(source: VideoFormat, target: VideoFormat) -> bool:
    """Whether every sample stays where it is and keeps its meaning."""
    return (
        source.plane_sizes == target.plane_sizes
        and source.pixel.family == target.pixel.family == "yuv"
        and source.color.siting == target.color.siting
        and keeps_matrix(source, target)
    )


def _changed(frame: Frame, change: Tensor, target: VideoFormat) -> tuple[Tensor, ...]:
    """The frame's own planes plus ``change`` ``[3, H, W]``, overwritten, of its RGB picture.

    Conversion is linear, so the change alone goes through it: chroma that nothing touches stays
    what it is, instead of being interpolated and averaged again.
    """
    old, new = reference.quantization(frame.format), reference.quantization(target)
    luma, *chroma = reference.from_rgb(change, frame.format)
    luma += reference.dequantize_luma(frame.planes[0], old)
    planes = [reference.quantize_luma(luma, new, target.pixel.dtype)]
    for plane, moved in zip(frame.planes[1:], chroma, strict=True):
        moved += reference.dequantize_chroma(plane, old)
        planes.append(reference.quantize_chroma(moved, new, target.pixel.dtype))
    return tuple(planes)


def _from_rgb(rgb: Tensor, target: VideoFormat) -> tuple[Tensor, ...]:
    gray, matrix = target.pixel.family == "gray", target.color.matrix
    if matrix == MATRIX_UNSPECIFIED or (gray and matrix not in LUMA_WEIGHTS):
        # Grey has no matrix, nor has colour made of it: equal channels, so any weights will do.
        target = replace(target, color=replace(target.color, matrix=MATRIX_BT709))
    return reference.rgb_to_yuv(rgb, target)


@dataclass(frozen=True)
class _Components:
    """Luma ``[h, w]`` and chroma ``[2, hc, wc]`` (None for grey) as floats, and what they mean."""

    luma: Tensor
    chroma: Tensor | None
    layout: VideoFormat


def _components(frame: Frame) -> _Components:
    layout = frame.format
    if layout.pixel.family == "rgb":
        return _split(reference.yuv_to_rgb(frame.planes, layout))
    quant = reference.quantization(layout)
    luma = reference.dequantize_luma(frame.planes[0], quant)
    if layout.pixel.family == "gray":
        return _Components(luma, None, layout)
    chroma_planes = [reference.dequantize_chroma(p, quant) for p in frame.planes[1:]]
    return _Components(luma, torch.stack(chroma_planes), layout)


def _split(rgb: Tensor) -> _Components:
    """``[3, h, w]`` RGB, overwritten -> luma and full-resolution chroma."""
    via = VideoFormat(rgb.shape[2], rgb.shape[1], PixelFormat("yuv", 16), _SPLIT)
    luma, *chroma = reference.from_rgb(rgb, via)
    return _Components(luma, torch.stack(chroma), via)


def enlarge_rgb(rgb: Tensor, engine: Engine, tile: Tile) -> Tensor:
    """``[3, h, w]`` float RGB in [0, 1] -> ``[3, H, W]`` on the CPU, clamped to [0, 1]."""
    with torch.inference_mode():
        rgb = rgb.to(engine.device, copy=True)
        if engine.channels == 3:
            large = torch.pixel_shuffle(run_tiled(engine, rgb[None], tile), engine.shuffle)[0]
        else:
            parts = _split(rgb)
            target = VideoFormat(
                rgb.shape[2] * engine.scale,
                rgb.shape[1] * engine.scale,
                PixelFormat("rgb", 16),
                RGB_FULL,
            )
            phases = run_tiled(engine, parts.luma[None, None], tile)
            large = _join(_full_luma(phases, engine, target), parts, target)
        result = large.clamp(0, 1).cpu()
    return result.clone()  # an ordinary tensor, which callers may change or differentiate through


def _by_luma(frame: Frame, target: VideoFormat, engine: Engine, tile: Tile) -> tuple[Tensor, ...]:
    parts = _components(frame)
    phases = run_tiled(engine, parts.luma[None, None], tile)
    if not keeps_matrix(frame.format, target):
        luma = _full_luma(phases, engine, target)
        return _from_rgb(_join(luma, parts, target), target)
    quant, dtype = reference.quantization(target), target.pixel.dtype
    if (frame.format.width * engine.scale, frame.format.height * engine.scale) == (
        target.width,
        target.height,
    ):
        # Rounded before the shuffle: a quarter of the bytes to move, and no float picture.
        luma_plane = _shuffle(reference.quantize_luma(phases, quant, dtype), engine.shuffle)
    else:
        luma_plane = reference.quantize_luma(_full_luma(phases, engine, target), quant, dtype)
    if target.pixel.family == "gray":
        return (luma_plane,)
    return (luma_plane, *_chroma_planes(parts, target, quant))


def keeps_matrix(source: VideoFormat, target: VideoFormat) -> bool:
    """Whether luma and chroma may stay what they are."""
    if "rgb" in (source.pixel.family, target.pixel.family):
        return False
    if "gray" in (source.pixel.family, target.pixel.family):
        return True
    # 5 and 6 are two names of BT.601.
    codes = {6 if c == 5 else c for c in (source.color.matrix, target.color.matrix)}
    return len(codes) == 1


def _full_luma(phases: Tensor, engine: Engine, target: VideoFormat) -> Tensor:
    large = torch.pixel_shuffle(phases, engine.shuffle)
    return resize(large, (target.height, target.width))[0, 0]


def _shuffle(phases: Tensor, factor: int) -> Tensor:
    """Pixel shuffle of ``[1, r*r, h, w]`` codes -> ``[h*r, w*r]``, from a channels-last layout."""
    _, _, height, width = phases.shape
    grouped = phases.permute(0, 2, 3, 1).reshape(height, width, factor, factor)
    return grouped.permute(0, 2, 1, 3).reshape(height * factor, width * factor)


def _chroma_planes(parts: _Components, target: VideoFormat, quant: Quantization) -> list[Tensor]:
    dtype = target.pixel.dtype
    if parts.chroma is None:
        (height, width), middle = target.plane_sizes[1], int(quant.chroma_offset)
        grey = torch.full((height, width), middle, dtype=torch.int32, device=parts.luma.device)
        return [grey.to(dtype), grey.to(dtype)]
    chroma = resample_chroma(parts.chroma, parts.layout, target, target.pixel)
    return [reference.quantize_chroma(c, quant, dtype) for c in chroma]


def resample_chroma(
    chroma: Tensor, source: VideoFormat, target: VideoFormat, grid: PixelFormat
) -> Tensor:
    """``[2, hc, wc]`` of ``source`` -> chroma of ``target`` on ``grid``'s subsampling, bicubic."""
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
    size = grid.plane_sizes(target.width, target.height)[1]
    return resample(chroma[None], size, step=(steps[0], steps[1]), origin=(origins[0], origins[1]))[
        0
    ]


def _join(luma: Tensor, parts: _Components, target: VideoFormat) -> Tensor:
    """``[3, H, W]`` RGB from large luma and small chroma."""
    if parts.chroma is None:
        return luma.expand(3, -1, -1)
    grid = PixelFormat("yuv", target.pixel.depth)
    chroma = resample_chroma(parts.chroma, parts.layout, target, grid)
    return _into_gamut(reference.to_rgb(luma, chroma, parts.layout), luma)


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
