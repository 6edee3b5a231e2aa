"""Colour conversion in plain torch: what every kernel must equal, and what a CPU runs.

Formulas are those of ITU-T H.273 section 8.3 (BT.601, BT.709 and BT.2020 agree with it). All is
elementwise float32, in which 16-bit codes are exact and which no TF32 setting changes.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

import torch
from torch import Tensor

from vidsr.errors import InputError, OptionError
from vidsr.picture.color import MATRIX_NAMES, RANGE_LIMITED, Quantization, chroma_position
from vidsr.picture.frame import VideoFormat
from vidsr.picture.resample import chroma_grid, resample

_GBR_OF_RGB = (1, 2, 0)  # FFmpeg's gbrp stores green, blue, red
_RGB_OF_GBR = (2, 0, 1)


def dequantize_luma(plane: Tensor, quant: Quantization) -> Tensor:
    """``[h, w]`` uint8 or uint16 codes -> float32, nominally [0, 1]; footroom is below 0."""
    return plane.to(torch.float32, copy=True).sub_(quant.luma_offset).div_(quant.luma_span)


def dequantize_chroma(plane: Tensor, quant: Quantization) -> Tensor:
    """``[h, w]`` uint8 or uint16 codes -> float32, nominally [-1/2, 1/2]."""
    return plane.to(torch.float32, copy=True).sub_(quant.chroma_offset).div_(quant.chroma_span)


def quantize_luma(values: Tensor, quant: Quantization, dtype: torch.dtype) -> Tensor:
    """Floats, nominally [0, 1] -> codes of ``dtype`` in [0, peak], halves rounded up."""
    return _quantize(values, quant.luma_span, quant.luma_offset, quant.peak, dtype)


def quantize_chroma(values: Tensor, quant: Quantization, dtype: torch.dtype) -> Tensor:
    """Floats, nominally [-1/2, 1/2] -> codes of ``dtype`` in [0, peak], halves rounded up."""
    return _quantize(values, quant.chroma_span, quant.chroma_offset, quant.peak, dtype)


def _quantize(values: Tensor, span: float, offset: float, peak: int, dtype: torch.dtype) -> Tensor:
    # Nothing is negative after the clamp, so the cast is a floor and floor(v + 1/2) rounds.
    return torch.mul(values, span).add_(offset + 0.5).clamp_(0, peak + 0.5).to(dtype)


def quantization(layout: VideoFormat) -> Quantization:
    """The code values of a format: full range where it says so, and for RGB that says nothing."""
    color = layout.color
    rgb = layout.pixel.family == "rgb"
    full = color.range != RANGE_LIMITED if rgb else color.full_range
    return Quantization.of(layout.pixel.depth, full_range=full)


def luma_weights(layout: VideoFormat) -> tuple[float, float]:
    """(Kr, Kb). Raises InputError for a matrix that is not made of them, or not named."""
    try:
        return layout.color.luma_weights
    except KeyError:
        code = layout.color.matrix
        name = MATRIX_NAMES.get(code, "unknown")
        raise InputError(
            f"cannot convert between YUV and RGB: colour matrix {code} ({name})",
            hint="use a luma model (lite-x4, lite-x2), which needs no matrix.",
        ) from None


def yuv_to_rgb(
    planes: Sequence[Tensor],
    format: VideoFormat,
    *,
    dtype: torch.dtype = torch.float32,
    clamp: bool = True,
) -> Tensor:
    """Planes as in ``format.plane_sizes``, uint8 or uint16 -> ``[3, H, W]``, nominally [0, 1].

    Chroma is interpolated bilinearly from where it is sited; grey becomes three equal channels.
    ``clamp=False`` keeps what lies outside [0, 1]. Raises InputError for a matrix without (Kr, Kb)
    and OptionError for planes of other sizes.
    """
    if [tuple(p.shape) for p in planes] != format.plane_sizes:
        raise OptionError(f"planes {[tuple(p.shape) for p in planes]}; need {format.plane_sizes}")
    quant = quantization(format)
    if format.pixel.family == "rgb":
        rgb = torch.stack([dequantize_luma(planes[i], quant) for i in _RGB_OF_GBR])
    elif format.pixel.family == "gray":
        rgb = dequantize_luma(planes[0], quant).repeat(3, 1, 1)
    else:
        chroma = torch.stack([dequantize_chroma(plane, quant) for plane in planes[1:]])
        rgb = to_rgb(dequantize_luma(planes[0], quant), upsample_chroma(chroma, format), format)
    return (rgb.clamp_(0, 1) if clamp else rgb).to(dtype)


def to_rgb(luma: Tensor, chroma: Tensor, layout: VideoFormat) -> Tensor:
    """``[H, W]`` and ``[2, H, W]`` -> ``[3, H, W]``: the definition of Y, Cb, Cr, inverted."""
    kr, kb = luma_weights(layout)
    kg = 1 - kr - kb
    cb, cr = chroma
    rgb = luma.new_empty(3, *luma.shape)
    torch.add(luma, cr, alpha=2 * (1 - kr), out=rgb[0])
    torch.add(luma, cr, alpha=-2 * kr * (1 - kr) / kg, out=rgb[1])
    rgb[1].add_(cb, alpha=-2 * kb * (1 - kb) / kg)
    torch.add(luma, cb, alpha=2 * (1 - kb), out=rgb[2])
    return rgb


def upsample_chroma(chroma: Tensor, layout: VideoFormat) -> Tensor:
    """``[2, h, w]`` float32 on the chroma grid -> ``[2, H, W]`` on the luma grid, bilinear."""
    (x_step, x_origin), (y_step, y_origin) = (
        chroma_grid(Fraction(1), subsampling, position, 1, Fraction(0))
        for subsampling, position in _chroma_axes(layout)
    )
    size = (layout.height, layout.width)
    step, origin = (y_step, x_step), (y_origin, x_origin)
    return resample(chroma[None], size, step=step, origin=origin, kernel="bilinear")[0]


def _chroma_axes(layout: VideoFormat) -> tuple[tuple[int, Fraction], tuple[int, Fraction]]:
    """(subsampling, position of sample 0) across and down."""
    across, down = layout.pixel.subsampling
    siting = layout.color.siting
    x, y = chroma_position(across, "x", siting), chroma_position(down, "y", siting)
    return (across, x), (down, y)


def rgb_to_yuv(rgb: Tensor, format: VideoFormat) -> tuple[Tensor, ...]:
    """``[3, H, W]`` float, clamped to [0, 1] -> planes as in ``format.plane_sizes``, its dtype.

    Chroma is filtered where it is sited: [1 2 1]/4 co-sited, [1 1]/2 between two samples. Grey
    formats get the luma. Raises InputError for a matrix without (Kr, Kb) unless the target is RGB,
    and OptionError for another shape.
    """
    if tuple(rgb.shape) != (3, format.height, format.width):
        raise OptionError(f"{rgb.shape = }; need {(3, format.height, format.width)}")
    quant, dtype = quantization(format), format.pixel.dtype
    rgb = rgb.float().clamp(0, 1)  # a copy, which from_rgb may overwrite
    if format.pixel.family == "rgb":
        return tuple(quantize_luma(rgb[i], quant, dtype) for i in _GBR_OF_RGB)
    luma, *chroma = from_rgb(rgb, format)
    planes = [quantize_luma(luma, quant, dtype)]
    return (*planes, *(quantize_chroma(c, quant, dtype) for c in chroma))


def from_rgb(rgb: Tensor, layout: VideoFormat) -> tuple[Tensor, ...]:
    """``[3, H, W]`` float, overwritten -> luma ``[H, W]`` and chroma on ``layout``'s grid, floats.

    Luma alone where ``layout`` is grey. Raises InputError for a matrix without (Kr, Kb).
    """
    kr, kb = luma_weights(layout)
    red, green, blue = rgb
    luma = torch.mul(red, kr).add_(green, alpha=1 - kr - kb).add_(blue, alpha=kb)
    if layout.pixel.family == "gray":
        return (luma,)
    # The filter is linear and commutes with the division, which is cheaper after it.
    cb = subsample_chroma(blue.sub_(luma), layout) / (2 * (1 - kb))
    cr = subsample_chroma(red.sub_(luma), layout) / (2 * (1 - kr))
    return luma, cb, cr


def subsample_chroma(chroma: Tensor, layout: VideoFormat) -> Tensor:
    """``[H, W]`` on the luma grid -> ``[h, w]`` on the chroma grid of ``layout``."""
    axes = zip((1, 0), _chroma_axes(layout), strict=True)
    for dim, (subsampling, position) in reversed(list(axes)):  # rows first: they are contiguous
        if subsampling == 2:
            chroma = _halve(chroma, dim, cosited=position == 0)
    return chroma


def _halve(x: Tensor, dim: int, *, cosited: bool) -> Tensor:
    """Every second sample of ``[H, W]`` along ``dim``, filtered; edges replicate."""
    x = x.movedim(dim, 0)
    even, odd = x[0::2], x[1::2]
    total = torch.mul(even, 2 if cosited else 1)
    total[: len(odd)] += odd
    total[len(odd) :] += x[-1]  # an odd size lacks its last right neighbour
    if cosited:
        total[0] += x[0]
        total[1:] += odd[: len(even) - 1]
    return total.div_(4 if cosited else 2).movedim(0, dim)
