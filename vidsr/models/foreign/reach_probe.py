"""Reach of a network of which only the results can be seen: one pixel poisoned, its traces sought.

What reads a pixel that is not a number gives no number. So the pixels that a poisoned one reaches
are those whose result is none, whatever the weights are.
"""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from vidsr.models.networks.plain_net import PlainNet

FIRST_SIDE, SECOND_SIDE = 48, 96  # of the pictures; the second only where the first is not filled
MOST_POSITIONS = 16  # of a pixel on the coarsest grid


@torch.no_grad()
def probed_reach(net: PlainNet) -> PlainNet:
    """Return ``net`` with the reach that a probe finds; as it is where that has no bound."""
    reach = find_reach(net)
    if reach is not None:
        net.traits = replace(net.traits, halo=reach)
    return net


@torch.no_grad()
def find_reach(net: PlainNet) -> int | None:
    """Return the distance at which pixels stop mattering; None where the probe finds no end.

    A pixel in the corner first, which tells most networks without a bound at little cost; then one
    in the middle at every position on the grid of the network.
    """
    step = net.traits.alignment
    if step > MOST_POSITIONS or net.traits.square:
        return None
    first, second = _rounded(FIRST_SIDE, step), _rounded(SECOND_SIDE, step)
    least = max(net.traits.minimum.width, net.traits.minimum.height)
    if least > first:
        return None
    corner = _distance(net, first, 0)
    if corner is None or corner >= first - step:
        return None
    middle = second // 2 - second // 2 % step
    found = [_distance(net, second, middle + offset) for offset in range(step)]
    reaches = [corner, *(reach for reach in found if reach is not None)]
    if len(reaches) != step + 1 or max(reaches) >= second // 2 - 2 * step:
        return None
    return max(reaches)


def _rounded(length: int, step: int) -> int:
    return -(-length // step) * step


def _distance(net: PlainNet, side: int, place: int) -> int | None:
    """Return how far from pixel (place, place) its traces are; None where there are none."""
    grey = torch.full((1, net.channels, side, side), 0.5)
    if not _result(net, grey).isfinite().all():
        return None
    grey[:, :, place, place] = torch.nan
    poisoned = ~_result(net, grey).isfinite().all(dim=1)[0]
    rows, columns = (poisoned.any(dim=d).nonzero() // net.scale for d in (1, 0))
    if not len(rows):
        return None
    ends = (rows.min(), rows.max(), columns.min(), columns.max())
    return max(abs(int(end) - place) for end in ends)


def _result(net: PlainNet, x: Tensor) -> Tensor:
    return net.phase(x)
