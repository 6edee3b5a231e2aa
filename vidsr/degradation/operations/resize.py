"""Resizing in the ways of cameras, players and websites, all on the same grid.

The picture's area is mapped onto the new picture's area: output j of an axis lies at input
coordinate ``u = (j + 1/2) * old / new - 1/2``. So whatever the method and however often it is
done, what was in the middle stays in the middle.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Literal, get_args

import torch
from torch import Tensor
from torch.nn import functional as F

from vidsr.errors import OptionError
from vidsr.picture.resample import resample
from vidsr.picture.size import Size

Method = Literal["nearest", "bilinear", "bicubic", "area", "lanczos"]
METHODS: tuple[str, ...] = get_args(Method)


def resize(x: Tensor, size: Size, method: str = "bicubic") -> Tensor:
    """Resize ``[N, C, h, w]`` float32 to ``size``; the result may leave the range.

    ``bilinear``, ``bicubic`` (a = -1/2, MATLAB's imresize) and ``lanczos`` (three lobes) are
    antialiased; ``area`` averages what each new pixel covers; ``nearest`` takes one sample, or
    the mean of two where both are equally near (as always when shrinking by an even factor), so
    that it does not shift by half a pixel: single outputs are off by up to half an input pixel,
    on average by 0. The same size returns ``x`` itself. Raises OptionError.
    """
    if min(size.rows_columns) < 1:
        raise OptionError(f"size: expected 1 or more pixels a side, got {size}")
    if tuple(x.shape[2:]) == size.rows_columns:
        return x
    if method in ("bilinear", "bicubic"):
        shape = size.rows_columns
        return F.interpolate(x, shape, mode=method, antialias=True, align_corners=False)
    if method == "nearest":
        return _nearest(_nearest(x, size.height, 2), size.width, 3)
    if method == "area":
        down = _area(x.shape[2], size.height).to(x)
        across = _area(x.shape[3], size.width).to(x)
        return down @ (x @ across.T)
    if method == "lanczos":
        return _lanczos(x, size)
    raise OptionError(f"method: expected one of {', '.join(METHODS)}, got {method!r}")


def _lanczos(x: Tensor, size: Size) -> Tensor:
    down, across = Fraction(x.shape[2], size.height), Fraction(x.shape[3], size.width)
    origin = ((down - 1) / 2, (across - 1) / 2)
    return resample(x, size, step=(down, across), origin=origin, kernel="lanczos")


def _nearest(x: Tensor, new: int, dim: int) -> Tensor:
    old = x.shape[dim]
    # u + 1/2 = (2j + 1) * old / (2 * new), in integers: a tie is a whole number.
    number = (2 * torch.arange(new, device=x.device) + 1) * old
    above = torch.div(number, 2 * new, rounding_mode="floor").clamp(max=old - 1)
    below = (-torch.div(-number, 2 * new, rounding_mode="floor") - 1).clamp(min=0)
    if torch.equal(above, below):
        return x.index_select(dim, above)
    return (x.index_select(dim, above) + x.index_select(dim, below)) / 2


def _area(old: int, new: int) -> Tensor:
    """Return ``[new, old]`` float64: the share of each new sample that every old one covers."""
    edges = torch.arange(new + 1, dtype=torch.float64) * (old / new)
    low, high = edges[:-1, None], edges[1:, None]
    left = torch.arange(old, dtype=torch.float64)[None]
    overlap = (torch.minimum(high, left + 1) - torch.maximum(low, left)).clamp(min=0)
    return overlap / overlap.sum(1, keepdim=True)
