"""Artifacts of recorders, broadcasters and broken links.

All take and return ``[N, 3, H, W]`` float32, nominally in [0, 1].
"""

from __future__ import annotations

import torch
from torch import Tensor

from vidsr.degradation.operations.blur import blur, gaussian_kernel
from vidsr.errors import OptionError

GREY = 0.5


def band(x: Tensor, levels: int) -> Tensor:
    """Round to ``levels`` evenly spaced values, 0 and 1 among them: steps in smooth skies.

    Raises OptionError for fewer than 2.
    """
    if levels < 2:
        raise OptionError(f"levels: expected 2 or more, got {levels}")
    return (x * (levels - 1)).round() / (levels - 1)


def sharpen(x: Tensor, amount: float, sigma_px: float) -> Tensor:
    """Apply an unsharp mask: ``x + amount * (x - blurred)``; halos about ``2 * sigma_px`` wide.

    May leave [0, 1].
    """
    return x + amount * (x - blur(x, gaussian_kernel(sigma_px)))


def interlace(x: Tensor, previous: Tensor, stale: str = "odd") -> Tensor:
    """Weave two moments into one picture: ``stale`` lines (odd or even) are the previous frame's.

    Lines count from 0. What moves shows combs, what stands still does not change.
    Raises OptionError for other lines.
    """
    if stale not in ("odd", "even"):
        raise OptionError(f"stale: expected odd or even, got {stale!r}")
    woven = x.clone()
    first = 1 if stale == "odd" else 0
    woven[:, :, first::2] = previous[:, :, first::2]
    return woven


def drop_blocks(
    x: Tensor, fill: Tensor, share: float, block_px: int, generator: torch.Generator
) -> Tensor:
    """Lose blocks of ``block_px`` x ``block_px`` at random, each with probability ``share``.

    ``fill`` shows instead: the previous frame, or grey (any shape that broadcasts to ``x``).
    The grid begins at the top left corner; blocks at the other edges may be cut.
    Raises OptionError for a share outside [0, 1].
    """
    if not 0 <= share <= 1 or block_px < 1:
        raise OptionError(
            f"expected a share of 0 to 1 and blocks of 1 or more, got {share = }, {block_px = }"
        )
    n, _, height, width = x.shape
    size = (n, 1, -(-height // block_px), -(-width // block_px))
    lost = torch.rand(size, generator=generator, device=x.device) < share
    mask = lost.repeat_interleave(block_px, 2).repeat_interleave(block_px, 3)
    return torch.where(mask[:, :, :height, :width], fill, x)
