"""Colour conversion in plain torch: the reference that every kernel equals, and the way of a CPU.

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
from vidsr.picture.size import Size

_GBR_OF_RGB = (1, 2, 0)  # FFmpeg's gbrp stores green, blue, red
_RGB_OF_GBR = (2, 0, 1)


def dequantize_luma(plane: Tensor, quant: Quantization) -> Tensor:
    """Turn ``[h, w]`` uint8 or uint16 codes into float32, nominally [0, 1]; footroom is below 0."""
    return plane.to(torch.float32, copy=True).sub_(quant.luma_offset).div_(quant.luma_span)


def dequantize_chroma(plane: Tensor, quant: Quantization) -> Tensor:
    """Turn ``[h, w]`` uint8 or uint16 codes into float32, nominally [-1/2, 1/2]."""
    return plane.to(torch.float32, copy=True).sub_(quant.chroma_offset).div_(quant.chroma_span)


def quantize_luma(values: Tensor, quant: Quantization, dtype: torch.dtype) -> Tensor:
    """Turn floats, nominally [0, 1], into codes of ``dtype`` in [0, peak], halves rounded up."""
    return _quantize(values, quant.luma_span, quant.luma_offset, quant.peak, dtype)


def quantize_chroma(values: Tensor, quant: Quantization, dtype: torch.dtype) -> Tensor:
    """Turn floats, nominally [-1/2, 1/2], into ``dtype`` codes in [0, peak], halves rounded up."""
    return _quantize(values, quant.chroma_span, quant.chroma_offset, quant.peak, dtype)


def _quantize(values: Tensor, span: float, offset: float, peak: int, dtype: torch.dtype) -> Tensor:
    # Nothing is negative after the clamp, so the cast is a floor and floor(v + 1/2) rounds.
    return torch.mul(values, span).add_(offset + 0.5).clamp_(0, peak + 0.5).to(dtype)


def quantization(layout: VideoFormat) -> Quantization:
    """Return the code values of a format: full range if it is tagged so, or is untagged RGB."""
    color = layout.color
    rgb = layout.pixel.family == "rgb"
    full = color.range != RANGE_LIMITED if rgb else color.full_range
    return Quantization.of(layout.pixel.depth, full_range=full)


def luma_weights(layout: VideoFormat) -> tuple[float, float]:
    """Return (Kr, Kb) of the format's matrix.

    Raises:
        InputError: The matrix is not named, or not made of these weights.
    """
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
    """Convert the planes of a picture to RGB, nominally in [0, 1].

    Chroma is interpolated bilinearly from its siting; grey becomes three equal channels.

    Args:
        planes: ``[h, w]`` uint8 or uint16 each, of the sizes in ``format.plane_sizes``.
        format: Description of the planes.
        dtype: Floating-point type of the result.
        clamp: False keeps values outside [0, 1].

    Returns:
        ``[3, H, W]`` of ``dtype``.

    Raises:
        InputError: The matrix has no (Kr, Kb).
        OptionError: The planes have other sizes.
    """
    if [tuple(p.shape) for p in planes] != format.plane_sizes:
        raise OptionError(
            f"planes: expected {format.plane_sizes}, got {[tuple(p.shape) for p in planes]}"
        )
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
    """Turn ``[H, W]`` and ``[2, H, W]`` into ``[3, H, W]``: the definition of YCbCr inverted."""
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
    """Bring ``[2, h, w]`` float32 from the chroma to the luma grid, bilinear: ``[2, H, W]``."""
    (x_step, x_origin), (y_step, y_origin) = (
        chroma_grid(Fraction(1), subsampling, position, 1, Fraction(0))
        for subsampling, position in _chroma_axes(layout)
    )
    size = Size(layout.width, layout.height)
    step, origin = (y_step, x_step), (y_origin, x_origin)
    return resample(chroma[None], size, step=step, origin=origin, kernel="bilinear")[0]


def _chroma_axes(layout: VideoFormat) -> tuple[tuple[int, Fraction], tuple[int, Fraction]]:
    """Return (subsampling, position of sample 0) across and down."""
    across, down = layout.pixel.subsampling
    siting = layout.color.siting
    x, y = chroma_position(across, "x", siting), chroma_position(down, "y", siting)
    return (across, x), (down, y)


def rgb_to_yuv(rgb: Tensor, format: VideoFormat) -> tuple[Tensor, ...]:
    """Convert an RGB picture to the planes of ``format``.

    Chroma is filtered towards its siting: [1 2 1]/4 co-sited, [1 1]/2 between two samples. Grey
    formats get the luma.

    Args:
        rgb: ``[3, H, W]`` float, clamped to [0, 1].
        format: Description of the planes to make.

    Returns:
        Planes of the sizes in ``format.plane_sizes``, in the format's dtype.

    Raises:
        InputError: The matrix has no (Kr, Kb), unless the target is RGB.
        OptionError: ``rgb`` has another shape.
    """
    if tuple(rgb.shape) != (3, format.height, format.width):
        raise OptionError(
            f"rgb: expected {(3, format.height, format.width)}, got {tuple(rgb.shape)}"
        )
    quant, dtype = quantization(format), format.pixel.dtype
    rgb = rgb.float().clamp(0, 1)  # a copy, which from_rgb may overwrite
    if format.pixel.family == "rgb":
        return tuple(quantize_luma(rgb[i], quant, dtype) for i in _GBR_OF_RGB)
    luma, *chroma = from_rgb(rgb, format)
    planes = [quantize_luma(luma, quant, dtype)]
    return (*planes, *(quantize_chroma(c, quant, dtype) for c in chroma))


def from_rgb(rgb: Tensor, layout: VideoFormat) -> tuple[Tensor, ...]:
    """Split ``[3, H, W]``, which is overwritten, into luma and chroma on ``layout``'s grid.

    All are floats, luma ``[H, W]``. A grey ``layout`` gives luma alone.

    Raises:
        InputError: The matrix has no (Kr, Kb).
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
    """Bring ``[H, W]`` from the luma grid to the chroma grid of ``layout``: ``[h, w]``."""
    axes = zip((1, 0), _chroma_axes(layout), strict=True)
    for dim, (subsampling, position) in reversed(list(axes)):  # rows first: they are contiguous
        if subsampling == 2:
            chroma = _halve(chroma, dim, cosited=position == 0)
    return chroma


def _halve(x: Tensor, dim: int, *, cosited: bool) -> Tensor:
    """Return every second sample of ``[H, W]`` along ``dim``, filtered; edges replicate."""
    x = x.movedim(dim, 0)
    even, odd = x[0::2], x[1::2]
    total = torch.mul(even, 2 if cosited else 1)
    total[: len(odd)] += odd
    total[len(odd) :] += x[-1]  # an odd size lacks its last right neighbour
    if cosited:
        total[0] += x[0]
        total[1:] += odd[: len(even) - 1]
    return total.div_(4 if cosited else 2).movedim(0, dim)
