"""A picture of black and white squares: what lettering makes of a network, for ranges of codes."""

from __future__ import annotations

import torch
from torch import Tensor

from vidsr.degradation.recipe import Recipe
from vidsr.degradation.stills import degrade_picture

SIDE = 160  # low-resolution pixels


def harsh(scale: int) -> Tensor:
    """Draw black and white squares at random, 3/4 of a low-resolution pixel wide, uint8 [3, H, W].

    Photographs alone leave no room for lettering: of Set14's crops of 64x64, the worst then is
    35.9 dB from float32 through lite-x4 and 40.4 through lite-x2, with this picture 45.7 and 49.0.
    It costs 0.01 dB on Set5.
    """
    side, size = max(1, 3 * scale // 4), SIDE * scale
    dice = torch.rand(
        -(-size // side), -(-size // side), generator=torch.Generator().manual_seed(0)
    )
    squares = (dice > 0.5).to(torch.uint8) * 255
    large = squares.repeat_interleave(side, 0).repeat_interleave(side, 1)[:size, :size]
    return large.expand(3, -1, -1).contiguous()


def harsh_low(scale: int) -> Tensor:
    """Return ``harsh`` as a network sees it, uint8 [3, h, w].

    Never blurred or compressed: lettering lies over footage of any kind.
    """
    return degrade_picture(harsh(scale), Recipe.load("bicubic").sample(0), scale)
