"""Growth keeps the function: a large network begins as the small one it was made from."""

from __future__ import annotations

from functools import cache, partial
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from vidsr.models.checkpoint import build_generator
from vidsr.models.networks.config import GeneratorConfig
from vidsr.models.networks.lite import Lite
from vidsr.models.networks.srresnet import SRResNet
from vidsr.models.zoo import load_model
from vidsr.picture.luma import LUMA
from vidsr.training.networks.grow import deepen_lite, grow_srresnet

# float32, activations of order one through at most 16 blocks: measured at most 5e-7.
assert_exact = partial(torch.testing.assert_close, rtol=0.0, atol=1e-5)
SOURCES = ["lite-x4", "lite-x2", "random x4", "random x2"]


def lite_config(**changes: Any) -> GeneratorConfig:
    fields: dict[str, Any] = {
        "kind": "lite", "scale": 4, "channels": 1, "width": 20, "blocks": 2,
    }  # fmt: skip
    return GeneratorConfig(**(fields | changes))


@cache
def small(name: str) -> Lite:
    """Shipped weights, or random ones with slopes that are not neutral."""
    torch.manual_seed(6)
    if not name.startswith("random"):
        net = load_model(name).module
    else:
        net = build_generator(lite_config(scale=int(name[-1])))
        for layer in net.modules():
            if isinstance(layer, nn.PReLU):
                nn.init.uniform_(layer.weight, -0.5, 1)
    assert isinstance(net, Lite)
    return net.eval()


def large_config(lite: Lite, **changes: Any) -> GeneratorConfig:
    fields: dict[str, Any] = {
        "kind": "srresnet", "scale": lite.config.scale, "channels": 3, "norm": "none",
        "width": 2 * lite.config.width, "blocks": lite.config.blocks,
    }  # fmt: skip
    return GeneratorConfig(**(fields | changes))


def build(config: GeneratorConfig) -> SRResNet:
    net = build_generator(config)
    assert isinstance(net, SRResNet)
    return net.eval()


def even(lite: Lite) -> Lite:
    """Return the same with an even number of convolutions, which growth requires."""
    if lite.config.blocks % 2 == 0:
        return lite
    config = lite_config(
        scale=lite.config.scale, width=lite.config.width, blocks=lite.config.blocks + 1
    )
    deep = Lite(config).eval()
    deepen_lite(deep, lite)
    return deep


def planes(rgb: Tensor) -> tuple[Tensor, Tensor]:
    """Luma [N, 1, H, W] and (Cb, Cr) [N, 2, H, W] of BT.601."""
    luma = (rgb * torch.tensor(LUMA).view(1, 3, 1, 1)).sum(1, keepdim=True)
    blue, red = (rgb[:, 2:] - luma) / 1.772, (rgb[:, :1] - luma) / 1.402
    return luma, torch.cat((blue, red), dim=1)


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("more", [{}, {"blocks": 2, "width": 8}])
@torch.no_grad()
def test_a_grown_network_is_the_small_one_on_luma(source: str, more: dict[str, int]) -> None:
    lite = even(small(source))
    scale = lite.config.scale
    sizes = {key: getattr(large_config(lite), key) + n for key, n in more.items()}
    net = build(large_config(lite, **sizes))
    grow_srresnet(net, lite)
    margin = lite.config.blocks + 3  # low-resolution pixels whose zero padding may differ
    x = torch.rand(1, 3, 2 * margin + 7, 2 * margin + 5)
    luma, chroma = planes(net(x))
    inner = (..., slice(margin * scale, -margin * scale), slice(margin * scale, -margin * scale))
    low_luma, low_chroma = planes(x)
    assert_exact(luma[inner], lite(low_luma)[inner])
    smooth = low_chroma
    for _ in range(scale // 2):
        smooth = nn.functional.interpolate(smooth, scale_factor=2, mode="bilinear")
    assert_exact(chroma[inner], smooth[inner])


@pytest.mark.parametrize("source", ["random x4", "random x2"])
def test_a_grown_network_can_learn(source: str) -> None:
    """Gradients reach the part that growth left free, so that it is capacity and not ballast."""
    lite = even(small(source))
    net = build(large_config(lite, width=56, blocks=4)).train()
    grow_srresnet(net, lite)
    optimizer = torch.optim.SGD(net.parameters(), lr=1e-3)
    x = torch.rand(1, 3, 9, 9)
    for _ in range(3):
        optimizer.zero_grad()
        net(x).square().mean().backward()
        optimizer.step()
    tail, head = net.tail.weight.grad, net.head[0].weight.grad
    assert isinstance(tail, Tensor)
    assert isinstance(head, Tensor)
    assert bool(tail.abs().sum((0, 2, 3)).gt(0).all())
    assert bool(head.abs().sum((1, 2, 3)).gt(0).all())


@pytest.mark.parametrize(
    "changes",
    [
        {"scale": 2},
        {"channels": 1},
        {"norm": "batch"},
        {"prelu": "shared"},
        {"output_range": "signed"},
        {"width": 39},
        {"blocks": 1},
    ],
)
def test_networks_that_do_not_fit_are_refused(changes: dict[str, Any]) -> None:
    lite = small("random x4")
    net = build(large_config(lite, **changes))
    before = {name: t.clone() for name, t in net.state_dict().items()}
    with pytest.raises(ValueError, match="cannot be grown from"):
        grow_srresnet(net, lite)
    assert all(torch.equal(t, before[name]) for name, t in net.state_dict().items())


@pytest.mark.parametrize(
    "changes", [{"blocks": 3}, {"channels": 3}, {"prelu": "shared"}, {"width": 18}, {"stride": 2}]
)
def test_small_networks_that_do_not_fit_are_refused(changes: dict[str, Any]) -> None:
    lite = Lite(lite_config(**changes))
    with pytest.raises(ValueError, match="cannot be grown from"):
        grow_srresnet(build(large_config(lite, blocks=4, width=64)), lite)


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("extra", [0, 1, 3])
@torch.no_grad()
def test_a_deeper_lite_is_the_same_to_the_last_bit(source: str, extra: int) -> None:
    lite = small(source)
    changes = {key: getattr(lite.config, key) for key in ("scale", "width", "channels")}
    deep = Lite(lite_config(**changes, blocks=lite.config.blocks + extra)).eval()
    deepen_lite(deep, lite)
    for size in ((1, 1), (3, 5), (17, 31)):
        x = torch.rand(2, 1, *size)
        torch.testing.assert_close(deep(x), lite(x), rtol=0, atol=0)


@pytest.mark.parametrize(
    "changes",
    [
        *({"blocks": 1}, {"width": 21}, {"scale": 2}, {"channels": 3}, {"prelu": "shared"}),
        {"stride": 2},
    ],
)
def test_lites_that_do_not_fit_are_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="cannot be grown from"):
        deepen_lite(Lite(lite_config(**changes)), small("random x4"))
