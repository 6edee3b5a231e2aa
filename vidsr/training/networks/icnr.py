"""Start of the layers before pixel shuffles without a checkerboard."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import torch
from torch import nn


@torch.no_grad()
def start_alike(net: nn.Module) -> int:
    """Give the phases of every pixel shuffle equal weights, and return how many layers got them.

    ICNR (Aitken et al. 2017): a shuffle of alike phases is nearest-neighbour upscaling, and the
    checkerboard of phases that begin at random has not to be unlearned. In place; a layer counts
    where a shuffle follows it in an ``nn.Sequential``.
    """
    count = 0
    for conv, factor in _before_shuffles(net):
        for values in (conv.weight, conv.bias):
            if values is not None:
                phases = values.view(-1, factor**2, *values.shape[1:])
                phases.copy_(phases[:, :1].clone().expand_as(phases))
        count += 1
    return count


def _before_shuffles(net: nn.Module) -> Iterator[tuple[nn.Conv2d, int]]:
    """Yield the convolutions before shuffles, with the factors of these."""
    for module in net.modules():
        if isinstance(module, nn.Sequential):
            for layer, follower in pairwise(module):
                if isinstance(layer, nn.Conv2d) and isinstance(follower, nn.PixelShuffle):
                    yield layer, follower.upscale_factor
