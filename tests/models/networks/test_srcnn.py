"""SRCNN: bicubic enlargement inside, the published layers after it."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest
import torch
from torch import nn

from vidsr.models.networks.config import GeneratorConfig
from vidsr.models.networks.srcnn import SRCNN, Bicubic
from vidsr.picture.resample import resample
from vidsr.picture.size import Size

SIZES = [(1, 1), (3, 5), (17, 31)]


def config(**changes: Any) -> GeneratorConfig:
    fields: dict[str, Any] = {
        "kind": "srcnn", "scale": 4, "channels": 1, "width": 64, "blocks": 1,
    }  # fmt: skip
    return GeneratorConfig(**(fields | changes))


@pytest.mark.parametrize("scale", [2, 4])
def test_parameter_count_is_that_of_the_paper(scale: int) -> None:
    """8032 weights (9-1-5), and 97 biases; the enlargement has none, at any scale."""
    net = SRCNN(config(scale=scale))
    assert sum(p.numel() for p in net.parameters()) == 8032 + 97
    assert len(net.state_dict()) == 6


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("scale", [2, 4])
def test_enlargement_is_bicubic(size: tuple[int, int], scale: int) -> None:
    x, step = torch.rand(2, 3, *size), Fraction(1, scale)
    wanted = resample(
        x,
        Size(scale * size[1], scale * size[0]),
        step=(step, step),
        origin=((step - 1) / 2, (step - 1) / 2),
    )
    # Sums of 16 products in another order: a few roundings of 1e-7.
    torch.testing.assert_close(Bicubic(scale)(x), wanted, rtol=0, atol=1e-6)


def test_enlargement_survives_building_without_memory() -> None:
    """Checkpoints are built on the meta device first; what is not stored has to be there."""
    with torch.device("meta"):
        net = SRCNN(config())
    assert [b.device.type for b in net.buffers()] == ["cpu"]
    x = torch.rand(1, 1, 4, 4)
    assert torch.equal(net.enlarge(x), Bicubic(4)(x))


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("scale", [2, 4])
@pytest.mark.parametrize("channels", [1, 3])
@torch.no_grad()
def test_every_size(size: tuple[int, int], scale: int, channels: int) -> None:
    net = SRCNN(config(scale=scale, channels=channels, width=8))
    x = torch.rand(2, channels, *size)
    assert net.shuffle == 1
    assert net(x).shape == net.phase(x).shape == (2, channels, scale * size[0], scale * size[1])


@torch.no_grad()
def test_layers_that_pass_the_picture_on_make_it_bicubic() -> None:
    net = SRCNN(config(width=2))
    for conv in (net.body[0], net.body[2], net.tail):
        assert isinstance(conv, nn.Conv2d)
        nn.init.zeros_(conv.weight)
        middle = conv.kernel_size[0] // 2
        conv.weight[0, 0, middle, middle] = 1
    x = torch.rand(1, 1, 7, 9) * 0.5 + 0.25  # no overshoot below 0, which ReLU would cut
    torch.testing.assert_close(net(x), net.enlarge(x), rtol=0, atol=1e-6)


def test_training_reaches_every_parameter_and_not_the_enlargement() -> None:
    net = SRCNN(config(width=8))
    before = [b.clone() for b in net.buffers()]
    net(torch.rand(2, 1, 9, 9)).square().mean().backward()
    assert all(p.grad is not None and p.grad.any() for p in net.parameters())
    assert all(torch.equal(a, b) for a, b in zip(before, net.buffers(), strict=True))
    assert not any(b.requires_grad for b in net.buffers())


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"scale": 1}, "scale = 1: expected 2 or 4 for srcnn"),
        ({"blocks": 0}, "blocks = 0: expected 1 for srcnn"),
        ({"width": 1}, "width = 1: expected even numbers"),
        ({"channels": 2}, "channels = 2: expected 1 or 3 for srcnn"),
    ],
)
def test_dimensions_that_cannot_be(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        config(**changes)
