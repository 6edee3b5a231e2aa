"""Upscaling without a network, centre-aligned as the networks are: the baselines of comparisons.

    BASELINES["bicubic"](picture, 4)

takes ``[C, h, w]`` uint8, or float of any range, and gives ``[C, 4h, 4w]`` of the same dtype;
uint8 is rounded and clamped, floats keep what a filter overshoots. Beside the filters stand
reconstructions, which look for a large picture that gives the small one when it is shrunk.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from functools import partial

import torch
from torch import Tensor
from torch.nn.functional import interpolate

from vidsr.classical.methods import METHODS, reconstruct
from vidsr.picture.resample import Kernel, resample
from vidsr.picture.size import Size


def nearest(picture: Tensor, scale: int) -> Tensor:
    """Repeat every sample ``scale`` times both ways."""
    return picture.repeat_interleave(scale, -1).repeat_interleave(scale, -2)


def bilinear(picture: Tensor, scale: int) -> Tensor:
    """Upscale with the triangle filter."""
    return _resampled(picture, scale, "bilinear")


def lanczos(picture: Tensor, scale: int) -> Tensor:
    """Upscale by Lanczos with three lobes."""
    return _resampled(picture, scale, "lanczos")


def bicubic(picture: Tensor, scale: int) -> Tensor:
    """Upscale as MATLAB's ``imresize(picture, scale, 'bicubic')``, in float64."""
    return _like(_cubic(picture, _times(picture, scale)), picture)


def shrink(picture: Tensor, scale: int) -> Tensor:
    """Shrink ``[C, H, W]`` to ``[C, H/scale, W/scale]`` as MATLAB's ``imresize(picture, 1/scale)``.

    Samples that do not fill a whole low-resolution one, right and below, are left out.
    Raises ValueError when nothing is left.
    """
    height, width = picture.shape[-2] // scale, picture.shape[-1] // scale
    if not height or not width:
        raise ValueError(
            f"expected a picture of {scale}x{scale} or larger, got {tuple(picture.shape)}"
        )
    whole = picture[..., : height * scale, : width * scale]
    return _like(_cubic(whole, Size(width, height)), picture)


def _times(picture: Tensor, scale: int) -> Size:
    return Size(picture.shape[-1] * scale, picture.shape[-2] * scale)


def _cubic(picture: Tensor, size: Size) -> Tensor:
    # antialias=True selects Keys' a = -1/2, which is MATLAB's; without it torch takes -3/4.
    exact, shape = picture[None].double(), size.rows_columns
    return interpolate(exact, shape, mode="bicubic", antialias=True)[0]


def _resampled(picture: Tensor, scale: int, kernel: Kernel) -> Tensor:
    step = Fraction(1, scale)
    origin = (step - 1) / 2
    large = resample(
        picture[None].float(),
        _times(picture, scale),
        step=(step, step),
        origin=(origin, origin),
        kernel=kernel,
    )
    return _like(large[0], picture)


def _like(values: Tensor, picture: Tensor) -> Tensor:
    """Return ``values`` in the dtype of ``picture``."""
    if picture.dtype == torch.uint8:
        values = values.round().clamp(0, 255)
    return values.to(picture.dtype)


FILTERS: dict[str, Callable[[Tensor, int], Tensor]] = {
    "nearest": nearest,
    "bilinear": bilinear,
    "bicubic": bicubic,
    "lanczos": lanczos,
}
BASELINES = FILTERS | {name: partial(reconstruct, method=name) for name in METHODS}
