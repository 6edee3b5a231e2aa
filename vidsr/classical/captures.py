"""Captures: how a small frame comes from the large picture, and the adjoint of that.

A capture shifts the picture, blurs it and shrinks it. All three are linear and separable, so that
a capture is one matrix for rows and one for columns, and its adjoint their transposes:

    y = D x A^T        x' = D^T y A

Of both only the bands are multiplied, see ``Bands``.

The matrices are what the project's own operators make of the unit matrix: shrinking is that of
``vidsr.quality.baselines.shrink`` and of the recipes' ``resize``, blurring that of their
``gaussian_blur``, the shift ``vidsr.picture.resample`` with its cubic kernel.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, get_args

import torch
from torch import Tensor
from torch.nn.functional import interpolate

from vidsr.classical.bands import Bands
from vidsr.errors import OptionError
from vidsr.picture.resample import resample
from vidsr.picture.size import Size

Shrinking = Literal["bicubic", "area"]
AT_ONCE = 512  # columns of the unit matrix
SHRINKINGS: tuple[str, ...] = get_args(Shrinking)


@dataclass(frozen=True)
class Capture:
    """The way from a large picture to a small frame.

    Attributes:
        down: Matrix ``[h, H]`` that acts on columns of samples.
        across: Matrix ``[w, W]`` that acts on rows of samples.
        scale: Ratio of the sides.
    """

    down: Tensor
    across: Tensor
    scale: int

    def forward(self, picture: Tensor) -> Tensor:
        """Return the small frame ``[C, h, w]`` of ``[C, H, W]``."""
        down, across = self._bands
        return across.times(down.times(picture, -2), -1)

    def adjoint(self, frame: Tensor) -> Tensor:
        """Return ``[C, H, W]`` of ``[C, h, w]``: <forward(x), y> = <x, adjoint(y)> for all x, y."""
        down, across = self._bands
        return down.transposed_times(across.transposed_times(frame, -1), -2)

    @cached_property
    def squared_norm(self) -> float:
        """The greatest eigenvalue of the adjoint after the forward way."""
        squares = (m.double() @ m.double().T for m in (self.down, self.across))
        return math.prod(float(torch.linalg.eigvalsh(square)[-1]) for square in squares)

    @cached_property
    def _bands(self) -> tuple[Bands, Bands]:
        return Bands.of(self.down), Bands.of(self.across)


class WholeCapture(Capture):
    """A capture by products of whole matrices: fewer operations where these are small."""

    def forward(self, picture: Tensor) -> Tensor:
        """Return the small frame ``[C, h, w]`` of ``[C, H, W]``."""
        return self.down @ picture @ self.across.T

    def adjoint(self, frame: Tensor) -> Tensor:
        """Return ``[C, H, W]`` of ``[C, h, w]``."""
        return self.down.T @ frame @ self.across


def capture(
    small: Size,
    scale: int,
    *,
    shift_px: tuple[float, float] = (0.0, 0.0),
    blur_px: float = 0.0,
    shrinking: Shrinking = "bicubic",
    dtype: torch.dtype = torch.float32,
) -> Capture:
    """Return the capture of small frames of a size.

    Args:
        small: Size of the small frame.
        scale: Ratio of the large picture's sides to it, 1 or more.
        shift_px: (down, across) by which what the frame shows is displaced against the large
            picture, in pixels of the large picture.
        blur_px: Sigma of a Gaussian blur, in pixels of the large picture; 0 is none.
        shrinking: ``bicubic``, antialiased, or ``area``, the mean over each small pixel, which
            lets more alias, as sensors do.
        dtype: That of the matrices, and of the pictures to come.

    Raises:
        OptionError: A negative blur, a scale below 1, or another way to shrink.
    """
    if scale < 1 or blur_px < 0:
        raise OptionError(
            f"expected scale of 1 or more and blur of 0 or more, got {scale = }, {blur_px = }"
        )
    if shrinking not in SHRINKINGS:
        raise OptionError(f"shrinking = {shrinking!r}: expected one of {', '.join(SHRINKINGS)}")
    matrices = [
        _matrix(side, scale, by, blur_px, shrinking).to(dtype)
        for side, by in zip(small.rows_columns, shift_px, strict=True)
    ]
    return Capture(matrices[0], matrices[1], scale)


def _matrix(side: int, scale: int, by_px: float, blur_px: float, shrinking: Shrinking) -> Tensor:
    matrix = _shrunk(side, scale, shrinking)
    if blur_px:
        matrix = matrix @ _blurred(side * scale, blur_px)
    return matrix @ _shifted(side * scale, by_px) if by_px else matrix


def _shrunk(side: int, scale: int, shrinking: Shrinking) -> Tensor:
    """Return ``[side, side * scale]`` float64."""
    parts = []
    for begin in range(0, side * scale, AT_ONCE):  # a whole unit matrix takes 0.5 GB for 8K
        width = min(AT_ONCE, side * scale - begin)
        unit = torch.zeros(side * scale, width, dtype=torch.float64)
        unit[begin : begin + width].fill_diagonal_(1)
        shape = (side, width)
        if shrinking == "area":
            parts.append(interpolate(unit[None, None], shape, mode="area")[0, 0])
        else:
            cubic = interpolate(unit[None, None], shape, mode="bicubic", antialias=True)
            parts.append(cubic[0, 0])
    return torch.cat(parts, 1)


def _blurred(side: int, sigma_px: float) -> Tensor:
    """Return ``[side, side]`` float64; beyond the edges samples are mirrored."""
    unit = torch.eye(side, dtype=torch.float64)
    reach = min(math.ceil(3 * sigma_px), side - 1)
    if not reach:
        return unit
    offsets = torch.arange(-reach, reach + 1)
    weights = torch.exp(-0.5 * (offsets.double() / sigma_px) ** 2)
    weights /= weights.sum()
    places = torch.arange(side)[:, None] + offsets
    places = places.abs()
    places = torch.where(places >= side, 2 * (side - 1) - places, places)
    return torch.zeros_like(unit).scatter_add_(1, places, weights.expand(side, -1))


def _shifted(side: int, by_px: float) -> Tensor:
    """Return ``[side, side]`` float64: sample i of the result lies at i - by in the input."""
    unit = torch.eye(side)[None, None]
    moved = resample(unit, Size(side, side), step=(1, 1), origin=(-by_px, 0))
    return moved[0, 0].double()
