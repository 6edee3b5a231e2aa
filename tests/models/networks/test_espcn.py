"""ESPCN: the published size and activations, at every scale and size of picture."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn

from vidsr.models.networks.config import GeneratorConfig
from vidsr.models.networks.espcn import ESPCN


def config(**changes: Any) -> GeneratorConfig:
    fields: dict[str, Any] = {
        "kind": "espcn", "scale": 4, "channels": 1, "width": 64, "blocks": 1,
    }  # fmt: skip
    return GeneratorConfig(**(fields | changes))


@pytest.mark.parametrize(("scale", "numbers"), [(2, 21284), (4, 24752)])
def test_parameter_count_is_that_of_the_paper(scale: int, numbers: int) -> None:
    """5*5*64 + 64, 3*3*64*32 + 32, 3*3*32*s*s + s*s."""
    assert sum(p.numel() for p in ESPCN(config(scale=scale)).parameters()) == numbers


def test_activations_are_tanh() -> None:
    kinds = [type(layer) for layer in ESPCN(config()).body]
    assert kinds == [nn.Conv2d, nn.Tanh, nn.Conv2d, nn.Tanh]


@pytest.mark.parametrize("size", [(1, 1), (3, 5), (17, 31)])
@pytest.mark.parametrize("scale", [2, 4])
@pytest.mark.parametrize("channels", [1, 3])
@torch.no_grad()
def test_every_size(size: tuple[int, int], scale: int, channels: int) -> None:
    net = ESPCN(config(scale=scale, channels=channels, width=8))
    x = torch.rand(2, channels, *size)
    y = net(x)
    assert y.shape == (2, channels, scale * size[0], scale * size[1])
    assert net.phase(x).shape == (2, channels * scale**2, *size)
    assert torch.equal(y, nn.functional.pixel_shuffle(net.phase(x), net.shuffle))


def test_training_reaches_every_parameter() -> None:
    net = ESPCN(config(width=4))
    net(torch.rand(2, 1, 6, 6)).square().mean().backward()
    assert all(p.grad is not None and p.grad.any() for p in net.parameters())


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"scale": 1}, "scale = 1: expected 2 or 4 for espcn"),
        ({"scale": 3}, "scale = 3: expected 2 or 4 for espcn"),
        ({"blocks": 2}, "blocks = 2: expected 1 for espcn"),
        ({"width": 63}, "width = 63: expected even numbers"),
        ({"output_range": "signed"}, "output_range = 'signed': expected 'unit' for espcn"),
    ],
)
def test_dimensions_that_cannot_be(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        config(**changes)
