"""Loss of JPEG without the file: all of it is in the quantised DCT.

ITU-T T.81 annexes A and K, JFIF colour, quality as the Independent JPEG Group's software has it.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional as F

from vidsr.degradation.operations.ycbcr import rgb_to_ycbcr, ycbcr_to_rgb
from vidsr.errors import OptionError

SUBSAMPLINGS = ("420", "444")
# T.81 tables K.1 and K.2, row by row.
LUMA_TABLE = (
    *(16, 11, 10, 16, 24, 40, 51, 61, 12, 12, 14, 19, 26, 58, 60, 55),
    *(14, 13, 16, 24, 40, 57, 69, 56, 14, 17, 22, 29, 51, 87, 80, 62),
    *(18, 22, 37, 56, 68, 109, 103, 77, 24, 35, 55, 64, 81, 104, 113, 92),
    *(49, 64, 78, 87, 103, 121, 120, 101, 72, 92, 95, 98, 112, 100, 103, 99),
)
CHROMA_TABLE = (
    *(17, 18, 24, 47, 99, 99, 99, 99, 18, 21, 26, 66, 99, 99, 99, 99),
    *(24, 26, 56, 99, 99, 99, 99, 99, 47, 66, 99, 99, 99, 99, 99, 99),
    *(99,) * 32,
)


def jpeg(x: Tensor, quality: int, subsampling: str = "420") -> Tensor:
    """Return ``[N, 3, H, W]`` in [0, 1] as decoded from a JPEG of ``quality`` 1 to 100.

    Any size: edges are repeated up to whole blocks and cut off again. Chroma of ``420`` is
    averaged over 2x2 and interpolated back as libjpeg does by default. Raises OptionError.
    """
    if not 1 <= quality <= 100:
        raise OptionError(f"quality: expected 1 to 100, got {quality}")
    if subsampling not in SUBSAMPLINGS:
        raise OptionError(f"subsampling: expected 420 or 444, got {subsampling!r}")
    height, width = x.shape[2:]
    unit = 16 if subsampling == "420" else 8
    padded = F.pad(x, (0, -width % unit, 0, -height % unit), mode="replicate")
    levels = _round(rgb_to_ycbcr(padded.clamp(0, 1)) * 255)
    luma, chroma = levels[:, :1], levels[:, 1:]
    luma = _recode(luma - 128, _table(LUMA_TABLE, quality)) + 128
    if subsampling == "420":
        chroma = _round(F.avg_pool2d(chroma, 2))
    chroma = _recode(chroma, _table(CHROMA_TABLE, quality))
    if subsampling == "420":
        chroma = F.interpolate(chroma, scale_factor=2, mode="bilinear", align_corners=False)
    rgb = ycbcr_to_rgb(torch.cat((luma, chroma), 1) / 255)
    return rgb[..., :height, :width].clamp(0, 1)


def _round(levels: Tensor) -> Tensor:
    return levels.round()


def _recode(levels: Tensor, table: Tensor) -> Tensor:
    """Transform, quantise and back: ``[N, C, 8a, 8b]`` levels around 0, result within a byte."""
    n, c, height, width = levels.shape
    dct, table = _dct().to(levels), table.to(levels)
    blocks = levels.view(n, c, height // 8, 8, width // 8, 8).transpose(3, 4)
    coefficients = dct @ blocks @ dct.T
    blocks = dct.T @ (_round(coefficients / table) * table) @ dct
    decoded = blocks.transpose(3, 4).reshape(n, c, height, width)
    return _round(decoded).clamp(-128, 127)


def _dct() -> Tensor:
    """Return ``[8, 8]`` float64, the orthonormal DCT-II, a row a frequency (T.81, A.3.3)."""
    k = torch.arange(8, dtype=torch.float64)
    matrix = torch.cos(math.pi / 8 * (k[None] + 0.5) * k[:, None]) / 2
    matrix[0] /= math.sqrt(2)
    return matrix


def _table(base: tuple[int, ...], quality: int) -> Tensor:
    """Scale ``base``, the table of quality 50, as the Independent JPEG Group does: ``[8, 8]``."""
    percent = 5000 // quality if quality < 50 else 200 - 2 * quality
    scaled = [min(255, max(1, (number * percent + 50) // 100)) for number in base]
    return torch.tensor(scaled, dtype=torch.float64).view(8, 8)
