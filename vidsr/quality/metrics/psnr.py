"""Peak signal-to-noise ratio on luma, as published tables measure it."""

from __future__ import annotations

import math

import torch
from torch import Tensor

# MATLAB's rgb2ycbcr: BT.601 weights onto 16..235, for RGB in 0..255.
_BT601_Y = (65.481 / 255, 128.553 / 255, 24.966 / 255)


def luma_601(rgb: Tensor) -> Tensor:
    """Turn RGB ``[..., 3, H, W]`` in 0..255 into Y ``[..., H, W]`` in 16..235, as MATLAB does.

    Integer input gives rounded output, as MATLAB's rgb2ycbcr does for uint8.
    """
    weights = torch.tensor(_BT601_Y, dtype=torch.float64).view(3, 1, 1)
    y = (rgb.to(torch.float64) * weights).sum(-3) + 16
    return y if rgb.is_floating_point() else y.round()


def psnr_db(a: Tensor, b: Tensor, *, border: int = 0, peak: float = 255.0) -> float:
    """Return the PSNR in dB of two planes.

    Args:
        a: ``[H, W]`` on a 0..``peak`` scale.
        b: The same shape and scale.
        border: Pixels left out at each edge, 0 or more.
        peak: Largest value of the scale.

    Returns:
        Decibels; inf for equal planes.

    Raises:
        ValueError: The sizes differ, or the border leaves nothing.
    """
    if a.shape != b.shape:
        raise ValueError(f"expected equal shapes, got {tuple(a.shape)} and {tuple(b.shape)}")
    height, width = a.shape[-2:]
    if border < 0 or 2 * border >= min(height, width):
        raise ValueError(f"border = {border} leaves nothing of {width}x{height}")
    inner = (..., slice(border, height - border), slice(border, width - border))
    mse = (a[inner].double() - b[inner].double()).square().mean().item()
    return math.inf if mse == 0 else 10 * math.log10(peak**2 / mse)
