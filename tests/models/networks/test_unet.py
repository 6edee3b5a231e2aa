"""The restorer: same size out at any size, identity before it has learned, coarse grids aligned."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn

from vidsr.models.networks.config import GeneratorConfig
from vidsr.models.networks.unet import UNet


def config(**changes: Any) -> GeneratorConfig:
    fields: dict[str, Any] = {
        "kind": "unet", "scale": 1, "channels": 3, "width": 4, "blocks": 1,
    }  # fmt: skip
    return GeneratorConfig(**(fields | changes))


def awake(**changes: Any) -> UNet:
    """A network whose last layer is not zero."""
    torch.manual_seed(1)
    net = UNet(config(**changes)).eval()
    nn.init.normal_(net.tail.weight, std=0.2)
    return net


@pytest.mark.parametrize("levels", [2, 3])
@pytest.mark.parametrize("blocks", [1, 2])
def test_parameter_count(levels: int, blocks: int) -> None:
    def conv(inside: int, outside: int, k: int) -> int:
        return inside * outside * k * k + outside

    widths = [4 << i for i in range(levels + 1)]
    pair = [blocks * 2 * conv(w, w, 3) for w in widths]
    expected = (
        conv(3, 4, 3) + conv(4, 3, 3)
        + 2 * sum(pair[:-1]) + pair[-1]
        + sum(conv(w, 2 * w, 2) + conv(2 * w, 4 * w, 1) for w in widths[:-1])
    )  # fmt: skip
    net = UNet(config(levels=levels, blocks=blocks))
    assert sum(p.numel() for p in net.parameters()) == expected


@pytest.mark.parametrize("size", [(1, 1), (3, 5), (17, 31), (8, 16)])
@pytest.mark.parametrize("levels", [2, 3])
@pytest.mark.parametrize("channels", [1, 3])
@torch.no_grad()
def test_every_size(size: tuple[int, int], levels: int, channels: int) -> None:
    net = awake(levels=levels, channels=channels)
    x = torch.rand(2, channels, *size)
    y = net(x)
    assert y.shape == x.shape
    assert not torch.equal(y, x)
    assert net.shuffle == 1
    assert torch.equal(y, net.phase(x))


@torch.no_grad()
def test_an_untrained_network_returns_its_input() -> None:
    x = torch.rand(2, 3, 9, 14) * 3 - 1  # not clamped either
    torch.testing.assert_close(UNet(config())(x), x, rtol=0, atol=0)


@pytest.mark.parametrize("size", [(1, 1), (17, 31), (16, 32)])
@torch.no_grad()
def test_half_the_grid_keeps_the_size(size: tuple[int, int]) -> None:
    net = awake(stride=2)
    x = torch.rand(2, 3, *size)
    assert net.stride == 8
    assert net(x).shape == x.shape
    assert torch.equal(net(x), net.phase(x))
    assert torch.equal(UNet(config(stride=2))(x), x)


@pytest.mark.parametrize("levels", [2, 3])
@torch.no_grad()
def test_missing_rows_and_columns_repeat_the_last(levels: int) -> None:
    net, stride = awake(levels=levels), 2**levels
    x = torch.rand(1, 3, stride + 1, 2 * stride - 1)
    whole = nn.functional.pad(x, (0, 1, 0, stride - 1), mode="replicate")
    assert net.stride == stride
    assert torch.equal(net(x), net(whole)[..., : x.shape[2], : x.shape[3]])


@pytest.mark.parametrize("step", [1, 2])
@torch.no_grad()
def test_pictures_moved_by_the_stride_give_moved_results(step: int) -> None:
    net = awake(stride=step)
    side = 80 * step
    x = torch.rand(1, 3, side, side)
    inner = slice(side // 2 - 4, side // 2 + 4)
    moved = net(x.roll((net.stride, -net.stride), dims=(2, 3)))
    moved = moved.roll((-net.stride, net.stride), dims=(2, 3))
    torch.testing.assert_close(
        net(x)[..., inner, inner], moved[..., inner, inner], rtol=0, atol=1e-5
    )


def test_training_reaches_every_parameter_after_one_step() -> None:
    """The last layer is zero, so at first only it learns; a step later all do."""
    torch.manual_seed(0)
    net = UNet(config(width=8))
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    x, wanted = torch.rand(2, 3, 12, 12), torch.rand(2, 3, 12, 12)
    for _ in range(2):
        optimizer.zero_grad()
        (net(x) - wanted).square().mean().backward()
        optimizer.step()
    assert all(p.grad is not None and p.grad.any() for p in net.parameters())


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"scale": 2}, "scale = 2: expected 1 for unet"),
        ({"scale": True}, "scale = True: expected 1 for unet"),
        ({"levels": 1}, "levels = 1: expected 2 to 3 for unet"),
        ({"levels": 4}, "levels = 4: expected 2 to 3 for unet"),
        ({"blocks": 0}, "blocks = 0: expected 1 to 16 for unet"),
        ({"output_range": "signed"}, "output_range = 'signed': expected 'unit' for unet"),
    ],
)
def test_dimensions_that_cannot_be(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        config(**changes)
