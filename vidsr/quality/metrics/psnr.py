"""Peak signal-to-noise ratio on luma, the way published tables are made."""

from __future__ import annotations

import math

import torch
from torch import Tensor

# MATLAB's rgb2ycbcr: BT.601 weights onto 16..235, for RGB in 0..255.
_BT601_Y = (65.481 / 255, 128.553 / 255, 24.966 / 255)


def luma_601(rgb: Tensor) -> Tensor:
    """RGB ``[..., 3, H, W]`` in 0..255 -> Y ``[..., H, W]`` in 16..235, as MATLAB's rgb2ycbcr.

    Integer input gives rounded output, as MATLAB does for uint8.
    """
    weights = torch.tensor(_BT601_Y, dtype=torch.float64).view(3, 1, 1)
    y = (rgb.to(torch.float64) * weights).sum(-3) + 16
    return y if rgb.is_floating_point() else y.round()


def psnr_db(a: Tensor, b: Tensor, *, border: int = 0, peak: float = 255.0) -> float:
    """PSNR in dB of two planes ``[H, W]`` on a 0..``peak`` scale, ``border`` pixels left out.

    Raises ValueError when the sizes differ or the border leaves nothing. Equal planes give inf.
    """
    if a.shape != b.shape:
        raise ValueError(f"a.shape = {tuple(a.shape)}, b.shape = {tuple(b.shape)}: must be equal")
    height, width = a.shape[-2:]
    if border < 0 or 2 * border >= min(height, width):
        raise ValueError(f"border = {border} leaves nothing of {width}x{height}")
    inner = (..., slice(border, height - border), slice(border, width - border))
    mse = (a[inner].double() - b[inner].double()).square().mean().item()
    return math.inf if mse == 0 else 10 * math.log10(peak**2 / mse)
