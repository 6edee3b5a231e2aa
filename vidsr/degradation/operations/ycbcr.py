"""Conversion of R'G'B' to full-range Y'CbCr as JPEG has it and back, in floats."""

from __future__ import annotations

import torch
from torch import Tensor

from vidsr.picture.color import LUMA_WEIGHTS, MATRIX_BT601

KR, KB = LUMA_WEIGHTS[MATRIX_BT601]  # which JFIF prescribes; KG is the rest
KG = 1 - KR - KB


def rgb_to_ycbcr(x: Tensor) -> Tensor:
    """Turn ``[N, 3, H, W]`` in [0, 1] into Y in [0, 1] and Cb, Cr in [-1/2, 1/2] (H.273, 8.3)."""
    red, green, blue = x.unbind(1)
    luma = KR * red + KG * green + KB * blue
    return torch.stack((luma, (blue - luma) / (2 * (1 - KB)), (red - luma) / (2 * (1 - KR))), 1)


def ycbcr_to_rgb(x: Tensor) -> Tensor:
    """Invert ``rgb_to_ycbcr``; the result is not clamped."""
    luma, cb, cr = x.unbind(1)
    red = luma + 2 * (1 - KR) * cr
    blue = luma + 2 * (1 - KB) * cb
    return torch.stack((red, (luma - KR * red - KB * blue) / KG, blue), 1)
