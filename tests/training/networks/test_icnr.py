"""Starts without a checkerboard: a shuffle of alike phases repeats each sample."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn

from vidsr.models.checkpoint import build_generator
from vidsr.models.networks.config import GeneratorConfig
from vidsr.training.networks.icnr import start_alike


def test_a_shuffle_of_alike_phases_is_nearest_neighbour_upscaling() -> None:
    torch.manual_seed(0)
    net = nn.Sequential(nn.Conv2d(2, 12, 3, padding=1), nn.PixelShuffle(2))
    conv = net[0]
    assert isinstance(conv, nn.Conv2d)
    assert conv.bias is not None
    firsts = conv.weight[::4].clone(), conv.bias[::4].clone()
    x = torch.rand(1, 2, 5, 6)
    assert start_alike(net) == 1
    small = nn.functional.conv2d(x, *firsts, padding=1)
    wanted = small.repeat_interleave(2, 2).repeat_interleave(2, 3)
    torch.testing.assert_close(net(x), wanted)


@pytest.mark.parametrize(
    ("fields", "count"),
    [
        ({"kind": "unet", "scale": 1, "blocks": 1}, 2),
        ({"kind": "unet", "scale": 1, "blocks": 1, "levels": 3, "stride": 2}, 3),
        ({"kind": "srresnet", "scale": 4, "blocks": 1}, 2),
    ],
)
def test_every_doubling_of_a_generator_starts_alike(fields: dict[str, Any], count: int) -> None:
    net = build_generator(GeneratorConfig(channels=3, width=4, **fields))
    assert start_alike(net) == count
