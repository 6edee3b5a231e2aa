"""One low-resolution frame to one high-resolution frame: planes in, planes out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction

import torch
from torch import Tensor

from vidsr.engines.engine import Engine
from vidsr.engines.tiling import run_tiled
from vidsr.picture import conversion
from vidsr.picture.chroma import chroma_planes, components, join, keeps_matrix, split, with_weights
from vidsr.picture.color import MATRIX_RGB, RANGE_FULL, ColorSpec, Quantization
from vidsr.picture.frame import Frame, PixelFormat, VideoFormat
from vidsr.picture.resample import resample
from vidsr.picture.size import Size
from vidsr.upscaling import kernel_transform

Compute = Callable[[Tensor], Tensor]
# Runs a function of a picture that treats its parts as it treats the whole, in parts or at once.
Over = Callable[[Compute, Tensor], Tensor]

RGB_FULL = ColorSpec(matrix=MATRIX_RGB, range=RANGE_FULL, siting="center")


def _at_once(compute: Compute, x: Tensor) -> Tensor:
    """Run ``compute`` on the whole picture."""
    return compute(x)


def enlarge(
    frame: Frame,
    target: VideoFormat,
    engine: Engine,
    tile: Size | None,
    over: Over = _at_once,
) -> Frame:
    """Upscale ``frame`` with ``engine`` and deliver it in ``target``'s size, samples and colour.

    A size other than ``engine.scale`` times the frame's is reached by a final Lanczos resize.
    Luma engines leave chroma to bicubic interpolation where it is sited and need no matrix as
    long as source and target have the same one. ``over`` runs the network and what belongs to it.
    """
    with torch.inference_mode():
        planes = tuple(p.to(engine.device) for p in frame.planes)
        large = enlarge_planes(planes, frame.format, target, engine, tile, over)
        result = tuple(p.cpu() for p in large)
    return Frame(result, target, frame.pts, frame.duration, captions=frame.captions)


def enlarge_planes(
    planes: tuple[Tensor, ...],
    source: VideoFormat,
    target: VideoFormat,
    engine: Engine,
    tile: Size | None,
    over: Over = _at_once,
) -> tuple[Tensor, ...]:
    """Upscale planes on the engine's device as ``enlarge`` does; the result stays there.

    On CUDA it is queued on the current stream, and nothing waits.
    """
    if kernel_transform.serves(source, target, engine):
        return kernel_transform.enlarge_planes(planes, source, target, engine, tile)
    by = _by_luma if engine.channels == 1 else _by_rgb
    return by(Frame(planes, source), target, _Network(engine, tile, over))


def engine_input(planes: tuple[Tensor, ...], source: VideoFormat, engine: Engine) -> Tensor:
    """Return what an engine sees of a frame, ``[1, channels, h, w]`` float32."""
    frame = Frame(planes, source)
    if engine.channels == 1:
        return components(frame).luma[None, None]
    return conversion.yuv_to_rgb(planes, source)[None]


def rgb_input(rgb: Tensor, engine: Engine) -> Tensor:
    """Return what an engine sees of ``[3, h, w]`` in [0, 1]: ``[1, channels, h, w]``."""
    rgb = rgb.to(engine.device, copy=True)
    return rgb[None] if engine.channels == 3 else split(rgb).luma[None, None]


@dataclass(frozen=True)
class _Network:
    """Way of a picture through an engine."""

    engine: Engine
    tile: Size | None
    over: Over = _at_once

    def phases(self, x: Tensor) -> Tensor:
        """Return the picture before its shuffle, float32, as a whole."""
        return self.over(self._phases, x)

    def codes(self, x: Tensor, quant: Quantization, dtype: torch.dtype) -> Tensor:
        """Return the code values of a luma plane, ``[H, W]``.

        Rounded before the shuffle: a quarter of the bytes to move, and no float picture.
        """

        def rounded(part: Tensor) -> Tensor:
            codes = conversion.quantize_luma(self._phases(part), quant, dtype)
            return _shuffle(codes, self.engine.shuffle)

        return self.over(rounded, x)

    def _phases(self, x: Tensor) -> Tensor:
        result = run_tiled(self.engine, x.to(self.engine.input_dtype), self.tile).float()
        return result + self.engine.offset if self.engine.offset else result


def resize(x: Tensor, size: Size) -> Tensor:
    """Resize ``[N, C, h, w]`` by antialiased Lanczos; unchanged where sizes agree."""
    if tuple(x.shape[2:]) == size.rows_columns:
        return x
    step = (Fraction(x.shape[2], size.height), Fraction(x.shape[3], size.width))
    return resample(
        x, size, step=step, origin=((step[0] - 1) / 2, (step[1] - 1) / 2), kernel="lanczos"
    )


def _by_rgb(frame: Frame, target: VideoFormat, network: _Network) -> tuple[Tensor, ...]:
    engine = network.engine
    rgb = conversion.yuv_to_rgb(frame.planes, frame.format)
    large = torch.pixel_shuffle(network.phases(rgb[None]), engine.shuffle)
    large = resize(large, Size(target.width, target.height))[0]
    if engine.scale == 1 and _same_grids(frame.format, target):
        return _changed(frame, large.clamp_(0, 1).sub_(rgb), target)
    return conversion.rgb_to_yuv(large, with_weights(target))


def _same_grids(source: VideoFormat, target: VideoFormat) -> bool:
    """Return True if every sample stays where it is and keeps its meaning."""
    return (
        source.plane_sizes == target.plane_sizes
        and source.pixel.family == target.pixel.family == "yuv"
        and source.color.siting == target.color.siting
        and keeps_matrix(source, target)
    )


def _changed(frame: Frame, change: Tensor, target: VideoFormat) -> tuple[Tensor, ...]:
    """Return the frame's own planes plus ``change`` ``[3, H, W]``, overwritten, of its RGB picture.

    Conversion is linear, so the change alone goes through it: chroma that nothing touches stays
    what it is, instead of being interpolated and averaged again.
    """
    old, new = conversion.quantization(frame.format), conversion.quantization(target)
    luma, *chroma = conversion.from_rgb(change, frame.format)
    luma += conversion.dequantize_luma(frame.planes[0], old)
    planes = [conversion.quantize_luma(luma, new, target.pixel.dtype)]
    for plane, moved in zip(frame.planes[1:], chroma, strict=True):
        moved += conversion.dequantize_chroma(plane, old)
        planes.append(conversion.quantize_chroma(moved, new, target.pixel.dtype))
    return tuple(planes)


def enlarge_rgb(rgb: Tensor, engine: Engine, tile: Size | None) -> Tensor:
    """Upscale ``[3, h, w]`` float RGB in [0, 1] to ``[3, H, W]`` on the CPU, clamped to [0, 1]."""
    with torch.inference_mode():
        rgb = rgb.to(engine.device, copy=True)
        if engine.channels == 3:
            phases = _Network(engine, tile).phases(rgb[None])
            large = torch.pixel_shuffle(phases, engine.shuffle)[0]
        else:
            parts = split(rgb)
            target = VideoFormat(
                rgb.shape[2] * engine.scale,
                rgb.shape[1] * engine.scale,
                PixelFormat("rgb", 16),
                RGB_FULL,
            )
            phases = _Network(engine, tile).phases(parts.luma[None, None])
            large = join(_full_luma(phases, engine, target), parts, target)
        result = large.clamp(0, 1).cpu()
    return result.clone()  # an ordinary tensor, which callers may change or differentiate through


def _by_luma(frame: Frame, target: VideoFormat, network: _Network) -> tuple[Tensor, ...]:
    engine, parts = network.engine, components(frame)
    seen = parts.luma[None, None]
    if not keeps_matrix(frame.format, target):
        luma = _full_luma(network.phases(seen), engine, target)
        return conversion.rgb_to_yuv(join(luma, parts, target), with_weights(target))
    quant, dtype = conversion.quantization(target), target.pixel.dtype
    if (frame.format.width * engine.scale, frame.format.height * engine.scale) == (
        target.width,
        target.height,
    ):
        luma_plane = network.codes(seen, quant, dtype)
    else:
        luma = _full_luma(network.phases(seen), engine, target)
        luma_plane = conversion.quantize_luma(luma, quant, dtype)
    if target.pixel.family == "gray":
        return (luma_plane,)
    return (luma_plane, *chroma_planes(parts, target, quant))


def _full_luma(phases: Tensor, engine: Engine, target: VideoFormat) -> Tensor:
    large = torch.pixel_shuffle(phases, engine.shuffle)
    return resize(large, Size(target.width, target.height))[0, 0]


def _shuffle(phases: Tensor, factor: int) -> Tensor:
    """Shuffle ``[1, r*r, h, w]`` codes to ``[h*r, w*r]``, from a channels-last layout."""
    _, _, height, width = phases.shape
    grouped = phases.permute(0, 2, 3, 1).reshape(height, width, factor, factor)
    return grouped.permute(0, 2, 1, 3).reshape(height * factor, width * factor)
