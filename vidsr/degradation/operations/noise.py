"""Noise functions; each draws from the given ``torch.Generator``, on the picture's device.

All take and return ``[N, 3, H, W]`` float32; the results are not clamped.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional as F

from vidsr.degradation.operations.ycbcr import ycbcr_to_rgb
from vidsr.errors import OptionError

GAMMA = 2.2  # display light to sensor light, near enough for where noise is strong


def gaussian(x: Tensor, sigma: float, generator: torch.Generator) -> Tensor:
    """Add independent normal noise of standard deviation ``sigma`` (full scale is 1)."""
    return x + sigma * _normal(x, generator)


def shot(x: Tensor, photons: float, generator: torch.Generator) -> Tensor:
    """Add the noise of photons arriving by chance: ``Poisson(x * photons) / photons``.

    Its variance is x / photons; ``photons`` is the mean count at white. Raises OptionError for 0
    or less.
    """
    if photons <= 0:
        raise OptionError(f"photons: expected more than 0, got {photons}")
    return torch.poisson(x.clamp(min=0) * photons, generator=generator) / photons


def read(x: Tensor, electrons: float, photons: float, generator: torch.Generator) -> Tensor:
    """Add the amplifier's noise: normal, ``electrons`` strong where white is ``photons``."""
    return gaussian(x, electrons / photons, generator)


def sensor(x: Tensor, photons: float, electrons: float, generator: torch.Generator) -> Tensor:
    """Add shot and read noise in the sensor's light, ``x ** 2.2``: strongest in the shadows."""
    light = read(shot(x.clamp(0, 1) ** GAMMA, photons, generator), electrons, photons, generator)
    return light.clamp(0, 1) ** (1 / GAMMA)


def chroma(x: Tensor, sigma: float, generator: torch.Generator, *, grain_px: float = 1) -> Tensor:
    """Add normal noise to Cb and Cr only (BT.601, [-1/2, 1/2]); luma stays as it is.

    ``grain_px`` is the size of its blotches: denoisers leave coarse ones.
    """
    n, _, height, width = x.shape
    size = (max(1, math.ceil(height / grain_px)), max(1, math.ceil(width / grain_px)))
    drawn = torch.randn((n, 2, *size), generator=generator, device=x.device, dtype=x.dtype)
    if size != (height, width):
        drawn = F.interpolate(drawn, (height, width), mode="bicubic", align_corners=False)
    blotches = torch.cat((torch.zeros_like(x[:, :1]), sigma * drawn), 1)
    return x + ycbcr_to_rgb(blotches)


def _normal(x: Tensor, generator: torch.Generator) -> Tensor:
    return torch.randn(x.shape, generator=generator, device=x.device, dtype=x.dtype)
