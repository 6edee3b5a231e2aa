"""Rewritten graphs equal the originals, and the halo is the true receptive field.

Tolerances are for float64: sums of up to 6400 products of order one round at about 1e-13, while
a wrong tap, phase or border shows at 1e-2 and more.
"""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from vidsr.engines.pytorch.rewrite import (
    fold_batch_norm,
    fold_output_range,
    phase_conv,
    phase_prelu,
    to_phase_module,
)
from vidsr.errors import ModelError
from vidsr.models.checkpoint import build_generator
from vidsr.models.networks.config import GeneratorConfig
from vidsr.models.networks.layers.phase_weights import phase_weight
from vidsr.models.receptive_field import alignment, halo


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
    nn.init.normal_(net.tail.weight, std=0.1)  # a restorer starts at zero
    return net


OTHERS: dict[str, dict[str, Any]] = {
    "lite": {"kind": "lite", "channels": 1, "blocks": 3},
    "lite colour": {"kind": "lite"},
    "espcn": {"kind": "espcn", "channels": 1, "blocks": 1},
    "srcnn x2": {"kind": "srcnn", "blocks": 1, "scale": 2},
    "srcnn x4": {"kind": "srcnn", "channels": 1, "blocks": 1},
    "rrdb x2": {"kind": "rrdb", "blocks": 1, "growth": 3, "scale": 2},
    "rrdb x4": {"kind": "rrdb", "blocks": 1, "growth": 3},
    "unet": {"kind": "unet", "blocks": 1, "scale": 1},
    "unet deep": {"kind": "unet", "blocks": 1, "scale": 1, "levels": 3, "width": 2},
    "unet coarse": {"kind": "unet", "blocks": 1, "scale": 1, "stride": 2, "width": 2},
}


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


@pytest.mark.parametrize("kernel", [1, 3, 5, 9])
def test_phase_weights_hold_every_tap_once_a_phase(kernel: int) -> None:
    weight = torch.arange(1.0, 6 * kernel**2 + 1).view(2, 3, kernel, kernel)
    phases = phase_weight(weight)
    found, counts = torch.unique(phases[phases != 0], return_counts=True)
    assert torch.equal(found, weight.flatten())
    assert set(counts.tolist()) == {4}


@pytest.mark.parametrize("kernel", [3, 9])
def test_phase_weights_are_differentiable(kernel: int) -> None:
    weight = noise(2, 2, kernel, kernel).requires_grad_()
    x, direction = noise(1, 8, 4, 5), noise(1, 8, 4, 5)
    plain = nn.functional.conv2d(nn.functional.pixel_shuffle(x, 2), weight, padding=kernel // 2)
    torch.autograd.backward((plain * nn.functional.pixel_shuffle(direction, 2)).sum())
    assert weight.grad is not None
    wanted = weight.grad.clone()
    weight.grad.zero_()
    phases = phase_weight(weight)
    fast = nn.functional.conv2d(x, phases, padding=phases.shape[-1] // 2)
    torch.autograd.backward((fast * direction).sum())
    assert_exact(weight.grad, wanted)


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
@pytest.mark.parametrize("norm", ["batch", "none"])
@pytest.mark.parametrize("size", [(1, 1), (5, 8), (13, 7)])
@torch.no_grad()
def test_phase_srresnet_equals_the_original(
    scale: int, prelu: str, output_range: str, norm: str, size: tuple[int, int]
) -> None:
    net = generator(scale=scale, prelu=prelu, output_range=output_range, norm=norm)
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


@pytest.mark.parametrize("norm", ["batch", "none"])
@torch.no_grad()
def test_rewriting_leaves_the_original_alone(norm: str) -> None:
    net = generator(output_range="signed", norm=norm)
    before = {name: t.clone() for name, t in net.state_dict().items()}
    fast = to_phase_module(net)
    for weight in fast.parameters():
        weight.zero_()
    assert all(torch.equal(t, before[name]) for name, t in net.state_dict().items())


@pytest.mark.parametrize("kind", list(OTHERS))
@torch.no_grad()
def test_the_others_are_their_own_phase_modules(kind: str) -> None:
    net = generator(**OTHERS[kind])
    fast = to_phase_module(net)
    assert fast is net
    config = fast.config
    for size in ((5, 6), (1, 1), (7, 3)):
        x = noise(1, config.channels, *size)
        phases, grow = fast.phase(x), config.scale // fast.shuffle
        assert phases.shape[1:] == (
            config.channels * fast.shuffle**2, size[0] * grow, size[1] * grow,
        )  # fmt: skip
        assert_exact(nn.functional.pixel_shuffle(phases, fast.shuffle), net(x))


def test_other_modules_are_refused() -> None:
    with pytest.raises(ModelError, match="Linear"):
        to_phase_module(nn.Linear(2, 2))


def test_halo_of_the_published_network() -> None:
    config = GeneratorConfig(kind="srresnet", scale=4, channels=3, width=64, blocks=16)
    assert halo(config) == 40  # 4 + 33 + 1 + 1/2 + 4/4 = 39.5


def linear(net: nn.Module) -> None:
    """Take away activations, behind which influence could hide."""
    for layer in net.modules():
        for name, child in layer.named_children():
            if isinstance(child, nn.ReLU | nn.Tanh | nn.PReLU | nn.LeakyReLU):
                setattr(layer, name, nn.Identity())


def rows_read(fast: Any, row: int, side: int) -> tuple[int, int]:
    """First and last input row that the outputs of one input row depend on."""
    x = noise(1, fast.config.channels, side, 8).requires_grad_()
    grow = fast.config.scale
    part = fast(x)[:, :, row * grow : (row + 1) * grow, 3 * grow : 5 * grow]
    torch.autograd.backward((part * noise(*part.shape)).sum())
    assert x.grad is not None
    rows = x.grad.abs().sum((0, 1, 3)).nonzero().flatten()
    return int(rows[0]), int(rows[-1])


HALOS = OTHERS | {
    "srresnet x2": {"scale": 2, "blocks": 1},
    "srresnet x4": {"scale": 4, "blocks": 1, "norm": "none"},
    "srresnet x4 flat": {"scale": 4, "blocks": 0},
}


@pytest.mark.parametrize("kind", list(HALOS))
def test_halo_is_where_influence_ends(kind: str) -> None:
    net = generator(**HALOS[kind])
    fast, reach, step = to_phase_module(net), halo(net), alignment(net)
    assert (halo(fast), alignment(fast)) == (halo(fast.config), alignment(fast.config))
    assert (halo(fast), alignment(fast)) == (reach, step)
    linear(fast)
    first = -(-(reach + 2) // step) * step
    side = first + step + reach + 3
    spans = [(row, *rows_read(fast, row, side)) for row in range(first, first + step)]
    found = max(max(row - low, high - row) for row, low, high in spans)
    # At x4 no phase of a bicubic kernel reads the pixels that the outermost taps start from.
    assert found == (reach - 1 if kind == "srcnn x4" else reach)


@pytest.mark.parametrize(("levels", "stride", "step"), [(2, 1, 4), (3, 1, 8), (2, 2, 8)])
def test_alignment_of_a_restorer_is_its_coarsest_grid(levels: int, stride: int, step: int) -> None:
    config = GeneratorConfig(
        kind="unet", scale=1, channels=3, width=8, blocks=2, levels=levels, stride=stride
    )
    assert alignment(config) == step


def test_halo_of_a_coarse_grid_by_hand() -> None:
    """Head and tail reach 1 each and two blocks 2 each; two more 8 below, one 8 at the bottom.

    A sample of the last grid covers pixels up to 3 from the one it is read for.
    """
    config = GeneratorConfig(kind="unet", scale=1, channels=3, width=8, blocks=1, levels=2)
    assert halo(config) == 6 + 8 + 8 + 3
