"""Students in 8-bit codes: they compute what the stored steps give, and learn through rounding."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from vidsr.engines.pytorch.rewrite import to_phase_module
from vidsr.engines.quantised.networks import quantised_net
from vidsr.models.checkpoint import build_generator
from vidsr.models.networks.config import GeneratorConfig
from vidsr.training.networks.quantised import QuantisedStudent, phase_form
from vidsr.training.networks.ranges import MOST, Tops
from vidsr.training.networks.student import build_student

LITE = GeneratorConfig(kind="lite", scale=2, channels=1, width=6, blocks=2)
COARSE = replace(LITE, stride=2, prelu="shared")
RESIDUAL = GeneratorConfig(kind="srresnet", scale=4, channels=3, width=6, blocks=1, norm="none")
KINDS = [(LITE, 12), (LITE, 0), (COARSE, 20), (RESIDUAL, 0), (replace(RESIDUAL, scale=2), 0)]


def student_of(config: GeneratorConfig, middle: int) -> QuantisedStudent:
    student = build_student(config, seed=4, middle=middle)
    with torch.no_grad():
        for parameter in student.parameters():
            parameter.add_(0.05 * torch.randn(parameter.shape))
    return QuantisedStudent(student, config)


@pytest.fixture(autouse=True)
def _same_numbers() -> None:
    torch.manual_seed(0)


@pytest.mark.parametrize(("config", "middle"), KINDS)
def test_it_computes_what_its_stored_weights_and_steps_give(
    config: GeneratorConfig, middle: int
) -> None:
    student = student_of(config, middle)
    x = torch.rand(2, config.channels, 12, 10)
    student.observe([x])
    plain = build_generator(config).eval()
    plain.load_state_dict(student.plain_weights())
    net = quantised_net(to_phase_module(plain), student.layers(student.log_steps))
    with torch.no_grad():
        # A sum in another order may move one number to the next code.
        assert (student(x) - net(x)).square().mean().sqrt() < 1e-3
        assert (student(x) - plain(x)).square().mean().sqrt() > 1e-5  # and it does round


@pytest.mark.parametrize(("config", "middle"), KINDS)
def test_everything_learns_through_the_rounding(config: GeneratorConfig, middle: int) -> None:
    student = student_of(config, middle)
    x = torch.rand(1, config.channels, 12, 10)
    student.observe([x])
    student(x).square().mean().backward()
    learned = [p for p in student.parameters() if p.requires_grad]
    assert all(p.grad is not None and p.grad.isfinite().all() for p in learned)
    assert student.log_steps.grad is not None
    assert (student.log_steps.grad != 0).all()


def test_observing_changes_nothing_in_floats() -> None:
    student = student_of(LITE, 12)
    x = torch.rand(1, 1, 12, 10)
    before = student.student(x).detach()
    weights = {k: v.detach().clone() for k, v in student.plain_weights().items()}
    student.observe([x])
    assert any(not torch.equal(v, weights[k]) for k, v in student.plain_weights().items())
    assert torch.allclose(student.student(x), before, atol=1e-4)


def test_the_form_that_runs_is_built_of_the_same_weights() -> None:
    net = build_generator(RESIDUAL).eval()
    found = phase_form(RESIDUAL, net.state_dict())
    wanted = to_phase_module(net).state_dict()
    assert found.keys() == wanted.keys()
    assert all(torch.equal(found[name], wanted[name]) for name in wanted)


def test_only_what_learns_is_part_of_the_state() -> None:
    student = student_of(LITE, 12)
    assert set(student.state_dict()) == {
        "log_steps",
        *(f"student.{name}" for name in student.student.state_dict()),
    }


def test_a_range_leaves_a_few_of_very_many_numbers_outside() -> None:
    tops, layer = Tops(), torch.nn.Identity()
    numbers = torch.arange(1.0, 400_001)  # 1 in 100 000 are 4
    for part in numbers[torch.randperm(len(numbers))].view(8, -1):
        tops.see(layer, (-part,))
    assert tops.reach() == 399_996
    assert len(tops._largest) == MOST
    few = Tops()
    few.see(layer, (torch.tensor([0.0, -2.0, 1.0]),))
    assert few.reach() == 2
