"""Over-parameterised convolutions: what they fold to, and how they are filled."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import nn

from vidsr.errors import ModelError
from vidsr.models.checkpoint import build_generator
from vidsr.models.networks.config import GeneratorConfig
from vidsr.models.networks.lite import Lite
from vidsr.training.networks.collapse import WideConv, WideLite
from vidsr.training.networks.student import PlainStudent, adopt, build_student

CONFIG = GeneratorConfig(kind="lite", scale=2, channels=1, width=6, blocks=3)
COARSE = replace(CONFIG, stride=2, prelu="shared")


def lite(config: GeneratorConfig = CONFIG, seed: int = 0) -> Lite:
    torch.manual_seed(seed)
    net = build_generator(config)
    assert isinstance(net, Lite)
    return net


def test_the_product_is_the_two_convolutions_and_the_identity() -> None:
    torch.manual_seed(1)
    wide = WideConv(nn.Conv2d(5, 5, 3, padding=1), 11)
    x = torch.randn(2, 5, 9, 7)
    expanded = nn.functional.conv2d(x, wide.expand, padding=1)
    separate = nn.functional.conv2d(expanded, wide.project[:, :, None, None]) + x
    folded = nn.functional.conv2d(x, wide.weight(), wide.bias, padding=1)
    # Sums of 500 products in another order.
    assert torch.allclose(separate, folded, atol=1e-4)


@pytest.mark.parametrize("config", [CONFIG, COARSE])
def test_a_fresh_student_starts_as_nearest_neighbour(config: GeneratorConfig) -> None:
    student = build_student(config, seed=3, middle=16)
    x = torch.rand(1, 1, 5, 6)
    nearest = x.repeat_interleave(2, 2).repeat_interleave(2, 3)
    assert torch.allclose(student(x), nearest, atol=1e-6)


@pytest.mark.parametrize("config", [CONFIG, COARSE])
def test_the_student_runs_as_the_weights_it_exports(config: GeneratorConfig) -> None:
    student = build_student(config, seed=3, middle=16)
    with torch.no_grad():
        for parameter in student.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))
    plain = lite(config)
    plain.load_state_dict(student.plain_weights())
    x = torch.rand(2, 1, 8, 9)
    assert torch.equal(student(x), plain(x))


@pytest.mark.parametrize("config", [CONFIG, COARSE])
def test_plain_weights_are_taken_over(config: GeneratorConfig) -> None:
    plain = lite(config, seed=5)
    student = WideLite(lite(config), middle=16)
    student.hold(plain.state_dict())
    held = student.plain_weights()
    # Factored by singular values in float64, multiplied out in float32.
    for name, value in plain.state_dict().items():
        assert torch.allclose(held[name], value, atol=1e-5), name
    student(torch.rand(1, 1, 8, 8)).mean().backward()
    moved = [p for p in student.parameters() if p.requires_grad]
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in moved)


def test_a_middle_too_narrow_to_hold_weights_is_refused() -> None:
    with pytest.raises(ValueError, match="middle = 4, expected 6 or more"):
        WideLite(lite(), middle=4).hold(lite().state_dict())


def test_deeper_and_larger_students_begin_as_what_they_grow_from() -> None:
    small = lite(seed=8).eval()
    x = torch.rand(1, 1, 10, 11)
    deep = GeneratorConfig(kind="lite", scale=2, channels=1, width=6, blocks=5)
    student = build_student(deep, seed=0, middle=16)
    assert adopt(student, deep, small) == "growth"
    assert torch.allclose(student(x), small(x), atol=1e-4)
    same = build_student(CONFIG, seed=1, middle=0)
    assert isinstance(same, PlainStudent)
    assert adopt(same, CONFIG, small) == "weights"
    # The student keeps its weights channels last: the same sums in another order.
    assert torch.allclose(same(x), small(x), atol=1e-6)


def test_one_slope_a_layer_begins_as_their_mean() -> None:
    plain = lite(seed=8).eval()
    shared = replace(CONFIG, prelu="shared", norm="none")
    student = build_student(shared, seed=0, middle=16)
    for layer in plain.activations:
        assert isinstance(layer, nn.PReLU)
        nn.init.constant_(layer.weight, 0.3)  # all alike: nothing is lost
    assert adopt(student, shared, plain) == "growth"
    x = torch.rand(1, 1, 10, 11)
    assert torch.allclose(student(x), plain(x), atol=1e-4)
    with pytest.raises(ModelError, match="cannot start"):
        adopt(student, shared, lite(COARSE))


def test_a_residual_network_grows_out_of_an_odd_number_of_blocks() -> None:
    small = GeneratorConfig(kind="lite", scale=2, channels=1, width=8, blocks=3)
    large = GeneratorConfig(kind="srresnet", scale=2, channels=3, width=16, blocks=4, norm="none")
    begun = lite(small, seed=2).eval()
    student = build_student(large, seed=0, middle=0)
    assert adopt(student, large, begun) == "growth"
    grey = torch.rand(1, 1, 40, 40).expand(-1, 3, -1, -1)
    inner = (..., slice(24, -24), slice(24, -24))  # away from the border, padded differently
    ours, theirs = student(grey).mean(1), begun(grey[:, :1])[:, 0]
    assert torch.allclose(ours[inner], theirs[inner], atol=1e-4)
