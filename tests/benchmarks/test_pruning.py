"""Channels taken out of a lite network: which ones, and that idle ones change nothing."""

from __future__ import annotations

import sys

import pytest
import torch
from torch import nn

from tests.paths import ROOT

sys.path.insert(0, str(ROOT / "benchmarks"))

from pruning import cut, norm_importance, taylor_importance

from vidsr.models.checkpoint import build_generator
from vidsr.models.networks.config import GeneratorConfig
from vidsr.models.networks.lite import Lite

WIDTH, IDLE = 5, (1, 3)


def lite(prelu: str = "channel") -> Lite:
    torch.manual_seed(2)
    config = GeneratorConfig(
        kind="lite",
        scale=2,
        channels=1,
        width=WIDTH,
        blocks=2,
        prelu=prelu,  # type: ignore[arg-type]
    )
    net = build_generator(config).eval()
    assert isinstance(net, Lite)
    return net


@torch.no_grad()
def silence(net: Lite) -> None:
    """Make channels of ``IDLE`` constant zero in every layer."""
    for conv in (net.head, *net.body):
        assert isinstance(conv, nn.Conv2d)
        assert conv.bias is not None
        conv.weight[list(IDLE)] = 0
        conv.bias[list(IDLE)] = 0


@pytest.mark.parametrize("prelu", ["channel", "shared"])
def test_channels_that_do_nothing_go_first_and_nothing_changes(prelu: str) -> None:
    net = lite(prelu)
    silence(net)
    pairs = [(torch.rand(1, 1, 9, 8), torch.rand(1, 1, 18, 16)) for _ in range(2)]
    x = torch.rand(1, 1, 7, 6)
    for importance in (norm_importance(net), taylor_importance(net, pairs)):
        assert len(importance) == 3
        assert all((values[list(IDLE)] == 0).all() for values in importance)
        small = cut(net, importance, WIDTH - len(IDLE))
        assert small.config.width == WIDTH - len(IDLE)
        assert torch.allclose(small(x), net(x), atol=1e-6)


def test_a_channel_is_worth_what_makes_it_times_what_reads_it() -> None:
    net = lite()
    with torch.no_grad():
        for conv in (net.head, *net.body, net.tail):
            assert isinstance(conv, nn.Conv2d)
            nn.init.zeros_(conv.weight)
        net.head.weight[2, 0, 0, :2] = torch.tensor([3.0, 4.0])  # norm 5
        weight = net.body[0].weight
        assert isinstance(weight, torch.Tensor)
        weight[:2, 2, 1, 1] = torch.tensor([0.6, 0.8])  # norm 1
    found = norm_importance(net)
    assert found[0].tolist() == pytest.approx([0, 0, 5, 0, 0])
    assert found[1].tolist() == [0] * WIDTH


def test_taylor_is_activation_times_gradient() -> None:
    """Of a loss that is the mean of one channel's output times 2: half of it, by hand."""
    net = lite()
    with torch.no_grad():
        for module in (net.head, *net.body, net.tail):
            assert isinstance(module, nn.Conv2d)
            assert module.bias is not None
            nn.init.zeros_(module.weight)
            nn.init.zeros_(module.bias)
        bias = net.body[1].bias
        assert isinstance(bias, torch.Tensor)
        bias[4] = 0.5  # what channel 4 of the last hidden layer is, everywhere
        net.tail.weight[:, 4, 1, 1] = 2.0  # adds 1 to every pixel
    low = torch.full((1, 1, 6, 6), 0.25)
    importance = taylor_importance(net, [(low, torch.zeros(1, 1, 12, 12))])
    # The loss is the mean of 0.25 + 2 a, its derivative by a 2, at a = 0.5: 1.
    assert importance[2].tolist() == pytest.approx([0, 0, 0, 0, 1])
