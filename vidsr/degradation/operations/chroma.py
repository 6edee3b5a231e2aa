"""Chroma at a lower resolution, read back as if it were sited elsewhere."""

from __future__ import annotations

from fractions import Fraction

import torch
from torch import Tensor

from vidsr.degradation.operations.ycbcr import rgb_to_ycbcr, ycbcr_to_rgb
from vidsr.errors import OptionError
from vidsr.picture.resample import resample
from vidsr.picture.size import Size

# (across, down): how many luma samples share a chroma sample.
LAYOUTS = {"444": (1, 1), "422": (2, 1), "420": (2, 2), "411": (4, 1), "410": (4, 4)}


def subsample_chroma(
    x: Tensor, layout: str = "420", *, shift_x_px: float = 0.0, shift_y_px: float = 0.0
) -> Tensor:
    """Take the chroma of ``[N, 3, H, W]`` in [0, 1] through ``layout`` and back.

    Chroma is averaged around the middle of its pixels and interpolated bilinearly. A siting error
    moves it by ``shift_x_px`` to the right and ``shift_y_px`` down: -0.5 across is chroma sited in
    the middle (JPEG, MPEG-1) read as sited left (MPEG-2, H.264). Luma stays as it is.
    Raises OptionError for an unknown layout.
    """
    if layout not in LAYOUTS:
        raise OptionError(f"layout: expected one of {', '.join(LAYOUTS)}, got {layout!r}")
    across, down = LAYOUTS[layout]
    ycc = rgb_to_ycbcr(x)
    small = _shrink(ycc[:, 1:].contiguous(), across, down)
    chroma = _upsample(small, Size(x.shape[3], x.shape[2]), across, down, (shift_y_px, shift_x_px))
    return ycbcr_to_rgb(torch.cat((ycc[:, :1], chroma), 1))


def _shrink(chroma: Tensor, across: int, down: int) -> Tensor:
    size = Size(-(-chroma.shape[3] // across), -(-chroma.shape[2] // down))
    origin = (Fraction(down - 1, 2), Fraction(across - 1, 2))
    return resample(chroma, size, step=(down, across), origin=origin, kernel="bilinear")


def _upsample(
    small: Tensor, size: Size, across: int, down: int, shift_px: tuple[float, float]
) -> Tensor:
    step = (Fraction(1, down), Fraction(1, across))
    # 1/64 pixel is finer than any eye, and keeps the fractions short.
    shifts = [Fraction(s).limit_denominator(64) for s in shift_px]
    # Luma sample X is at chroma coordinate (X + 1/2 - shift) / subsampling - 1/2.
    half = Fraction(1, 2)
    y, x = ((half - shift) * each - half for shift, each in zip(shifts, step, strict=True))
    return resample(small, size, step=step, origin=(y, x), kernel="bilinear")
