"""Rewritten graphs equal the originals, and the halo is the true receptive field.

Tolerances are for float64: sums of up to 6400 products of order one round at about 1e-13, while
a wrong tap, phase or border shows at 1e-2 and more.
"""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from vidsr.engines.rewrite import (
    fold_batch_norm,
    fold_output_range,
    halo,
    phase_conv,
    phase_prelu,
    to_phase_module,
)
from vidsr.errors import ModelError
from vidsr.models.checkpoint import build_generator
from vidsr.models.config import GeneratorConfig


def assert_exact(actual: Tensor, expected: Tensor) -> None:
    torch.testing.assert_close(actual, expected, rtol=0, atol=1e-10)


def random_norm(norm: nn.BatchNorm2d) -> None:
    """Statistics as a trained network has them: none of them neutral."""
    assert norm.running_mean is not None
    assert norm.running_var is not None
    norm.running_mean.normal_()
    norm.running_var.uniform_(0.05, 4)
    nn.init.normal_(norm.weight)
    nn.init.normal_(norm.bias)


def generator(**changes: Any) -> nn.Module:
    """A small float64 generator with random statistics and slopes, in eval mode."""
    torch.manual_seed(1)
    fields: dict[str, Any] = {
        "kind": "srresnet", "scale": 4, "channels": 3, "width": 6, "blocks": 2,
    }  # fmt: skip
    net = build_generator(GeneratorConfig(**(fields | changes))).double().eval()
    for layer in net.modules():
        if isinstance(layer, nn.BatchNorm2d):
            random_norm(layer)
        if isinstance(layer, nn.PReLU):
            nn.init.normal_(layer.weight)
    return net


def noise(*shape: int) -> Tensor:
    return torch.rand(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(2))


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("affine", [True, False])
@torch.no_grad()
def test_folded_batch_norm_equals_the_pair(bias: bool, affine: bool) -> None:
    conv = nn.Conv2d(5, 7, 3, padding=1, bias=bias).double()
    norm = nn.BatchNorm2d(7, affine=affine).double().eval()
    assert norm.running_var is not None
    norm.running_var.uniform_(0.05, 4)
    if affine:
        random_norm(norm)
    x = noise(2, 5, 9, 4)
    assert_exact(fold_batch_norm(conv, norm)(x), norm(conv(x)))


def test_batch_norm_without_statistics_is_refused() -> None:
    with pytest.raises(ModelError, match="statistics"):
        fold_batch_norm(nn.Conv2d(2, 2, 3), nn.BatchNorm2d(2, track_running_stats=False))


@torch.no_grad()
def test_folded_output_range_equals_the_formula() -> None:
    conv, x = nn.Conv2d(4, 3, 5, padding=2).double(), noise(1, 4, 6, 6)
    assert_exact(fold_output_range(conv)(x), (conv(x) + 1) / 2)


@pytest.mark.parametrize("size", [(1, 1), (2, 3), (7, 5), (12, 9)])
@pytest.mark.parametrize("kernel", [1, 3, 5, 7, 9])
@pytest.mark.parametrize("slopes", [1, 6])
@torch.no_grad()
def test_phase_tail_equals_shuffle_prelu_conv(
    size: tuple[int, int], kernel: int, slopes: int
) -> None:
    prelu = nn.PReLU(slopes).double()
    nn.init.normal_(prelu.weight)
    conv = nn.Conv2d(6, 3, kernel, padding=kernel // 2).double()
    x = noise(2, 24, *size) - 0.5
    expected = conv(prelu(nn.functional.pixel_shuffle(x, 2)))
    phases = phase_conv(conv)(phase_prelu(prelu)(x))
    assert_exact(nn.functional.pixel_shuffle(phases, 2), expected)


@pytest.mark.parametrize("scale", [2, 4])
@pytest.mark.parametrize("prelu", ["shared", "channel"])
@pytest.mark.parametrize("output_range", ["unit", "signed"])
@pytest.mark.parametrize("size", [(1, 1), (5, 8), (13, 7)])
@torch.no_grad()
def test_phase_srresnet_equals_the_original(
    scale: int, prelu: str, output_range: str, size: tuple[int, int]
) -> None:
    net = generator(scale=scale, prelu=prelu, output_range=output_range)
    x = noise(2, 3, *size)
    expected = (net(x) + 1) / 2 if output_range == "signed" else net(x)
    fast = to_phase_module(net)
    assert_exact(fast(x), expected)
    assert fast.phase(x).shape == (2, 12, size[0] * scale // 2, size[1] * scale // 2)
    assert not any(isinstance(layer, nn.BatchNorm2d) for layer in fast.modules())


@torch.no_grad()
def test_the_published_tail_is_5x5_from_256_to_12() -> None:
    fast = to_phase_module(generator(width=64, blocks=1))
    assert fast.tail.weight.shape == (12, 256, 5, 5)


@torch.no_grad()
def test_rewriting_leaves_the_original_alone() -> None:
    net = generator(output_range="signed")
    before = {name: t.clone() for name, t in net.state_dict().items()}
    fast = to_phase_module(net)
    for weight in fast.parameters():
        weight.zero_()
    assert all(torch.equal(t, before[name]) for name, t in net.state_dict().items())


@pytest.mark.parametrize("channels", [1, 3])
@torch.no_grad()
def test_lite_is_its_own_phase_module(channels: int) -> None:
    net = generator(kind="lite", channels=channels)
    fast, x = to_phase_module(net), noise(1, channels, 5, 6)
    assert fast is net
    shuffled = nn.functional.pixel_shuffle(fast.phase(x), fast.shuffle)
    assert_exact(shuffled, net(x))


def test_other_modules_are_refused() -> None:
    with pytest.raises(ModelError, match="Linear"):
        to_phase_module(nn.Linear(2, 2))


def test_halo_of_the_published_network() -> None:
    config = GeneratorConfig(kind="srresnet", scale=4, channels=3, width=64, blocks=16)
    assert halo(config) == 40  # 4 + 33 + 1 + 1/2 + 4/4 = 39.5


@pytest.mark.parametrize(
    "changes",
    [
        {"kind": "lite", "channels": 1, "blocks": 3},
        {"scale": 2, "blocks": 1},
        {"scale": 4, "blocks": 1},
        {"scale": 4, "blocks": 0},
    ],
)
@torch.no_grad()
def test_halo_is_where_influence_ends(changes: dict[str, Any]) -> None:
    net = generator(**changes)
    reach = halo(net)
    fast, side = to_phase_module(net), 2 * reach + 5
    assert halo(fast) == reach
    assert halo(fast.config) == reach
    x = noise(1, fast.config.channels, side, side)
    grow, centre = fast.config.scale, side // 2
    base = fast(x)

    def changes_at(dy: int, dx: int) -> bool:
        other = x.clone()
        other[:, :, centre + dy, centre + dx] += 1
        part = slice(centre * grow, (centre + 1) * grow)
        return not torch.equal(fast(other)[:, :, part, part], base[:, :, part, part])

    outside = [(reach + 1, 0), (-reach - 1, 0), (0, reach + 1), (0, -reach - 1)]
    inside = [(reach, 0), (-reach, 0), (0, reach), (0, -reach)]
    assert not any(changes_at(*place) for place in outside)
    assert all(changes_at(*place) for place in inside)
