"""ESRGAN's generator: its size, its shapes, the way its blocks add up."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from vidsr.models.networks.config import GeneratorConfig
from vidsr.models.networks.rrdb import RRDB, DenseBlock, RRDBlock


def config(**changes: Any) -> GeneratorConfig:
    fields: dict[str, Any] = {
        "kind": "rrdb", "scale": 4, "channels": 3, "width": 8, "blocks": 1, "growth": 4,
    }  # fmt: skip
    return GeneratorConfig(**(fields | changes))


def test_parameter_count_is_that_of_the_published_network() -> None:
    """16 697 987: the size of ESRGAN's and Real-ESRGAN's x4 generator."""
    with torch.device("meta"):
        net = RRDB(config(width=64, blocks=23, growth=32))
    assert sum(p.numel() for p in net.parameters()) == 16_697_987


@pytest.mark.parametrize("size", [(1, 1), (3, 5), (17, 31)])
@pytest.mark.parametrize("scale", [2, 4])
@pytest.mark.parametrize("channels", [1, 3])
@torch.no_grad()
def test_every_size(size: tuple[int, int], scale: int, channels: int) -> None:
    net = RRDB(config(scale=scale, channels=channels))
    x = torch.rand(2, channels, *size)
    assert net.shuffle == 1
    assert net(x).shape == net.phase(x).shape == (2, channels, scale * size[0], scale * size[1])


def leaky(x: Tensor) -> Tensor:
    return torch.where(x > 0, x, 0.2 * x)


@torch.no_grad()
def test_a_dense_block_is_the_formula() -> None:
    block, x = DenseBlock(6, 4).double(), torch.randn(2, 6, 5, 7, dtype=torch.float64)
    c1, c2, c3, c4, c5 = block.convs
    before = x.clone()
    x1 = leaky(c1(x))
    x2 = leaky(c2(torch.cat((x, x1), 1)))
    x3 = leaky(c3(torch.cat((x, x1, x2), 1)))
    x4 = leaky(c4(torch.cat((x, x1, x2, x3), 1)))
    x5 = c5(torch.cat((x, x1, x2, x3, x4), 1))
    torch.testing.assert_close(block(x), x + 0.2 * x5)
    assert torch.equal(x, before)


@torch.no_grad()
def test_a_residual_block_adds_a_fifth_of_three_dense_ones() -> None:
    block, x = RRDBlock(6, 4).double(), torch.randn(1, 6, 5, 7, dtype=torch.float64)
    h = x
    for dense in block.blocks:
        h = dense(h)
    torch.testing.assert_close(block(x), x + 0.2 * h)


@torch.no_grad()
def test_untrained_blocks_nearly_pass_their_input_on() -> None:
    """Weights start at a tenth of He's, so that 23 blocks do not blow up."""
    torch.manual_seed(0)
    net = RRDB(config(width=16, blocks=4, growth=8))
    h = torch.randn(1, 16, 12, 12)
    out = h
    for block in net.blocks:
        out = block(out)
    # Each adds a fifth of about itself: 1.2 to the fourth.
    assert 1.9 < float(out.std() / h.std()) < 2.3


def test_training_reaches_every_parameter() -> None:
    net = RRDB(config())
    net(torch.rand(2, 3, 6, 6)).square().mean().backward()
    assert all(p.grad is not None and p.grad.any() for p in net.parameters())


def test_enlargement_is_nearest_and_convolution() -> None:
    kinds = [type(layer) for layer in RRDB(config()).upsample]
    assert kinds == 2 * [nn.Upsample, nn.Conv2d, nn.LeakyReLU]
    assert len(RRDB(config(scale=2)).upsample) == 3


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"scale": 1}, "scale = 1: expected 2 or 4 for rrdb"),
        ({"blocks": 0}, "blocks = 0: expected 1 to 64 for rrdb"),
        ({"growth": 0}, "growth = 0: expected 1 to 256 for rrdb"),
        ({"growth": 4.0}, r"growth = 4\.0: expected 1 to 256 for rrdb"),
        ({"width": 0}, "width = 0: expected 1 to 1024 for rrdb"),
    ],
)
def test_dimensions_that_cannot_be(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        config(**changes)
