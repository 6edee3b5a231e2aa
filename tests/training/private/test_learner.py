"""Private step: clipping and noise against values worked out by hand."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from vidsr.training.networks.student import build_student
from vidsr.training.options import Options, preset
from vidsr.training.private.keys import Key
from vidsr.training.steps.fidelity import Fidelity

pytest.importorskip("opacus", reason="Opacus is not installed")

from vidsr.training.private.guarantee import Guarantee, Spending
from vidsr.training.private.learner import PrivateLearner
from vidsr.training.private.optimiser import KeyedOptimiser, descend, forget, watched

CPU, KEY = torch.device("cpu"), Key.of_seed(1)
WIDE = 1e9  # a clip that no gradient reaches


def guarantee(clip: float, noise: float) -> Guarantee:
    return Guarantee(8.0, 1e-5, clip, noise, 0.5, 8, 9)


def one_weight(clip: float, noise: float = 0.0) -> tuple[nn.Conv2d, nn.Module, KeyedOptimiser]:
    """Return a network of one weight, 2, that learns with steps of its gradient."""
    conv = nn.Conv2d(1, 1, 1, bias=False)
    nn.init.constant_(conv.weight, 2.0)
    network = watched(conv)
    plain = torch.optim.SGD(conv.parameters(), lr=1.0)
    return conv, network, KeyedOptimiser(plain, guarantee(clip, noise), KEY, batch=4)


def test_each_gradient_is_clipped_before_they_are_summed() -> None:
    conv, network, optimiser = one_weight(clip=5.0)
    x = torch.tensor([1.0, 3.0]).view(2, 1, 1, 1)
    descend(network(x).square().sum())  # (w x)^2: gradients 2 w x^2 are 4 and 36
    optimiser.step()
    # 4 stays, 36 becomes 5; their sum is shared by the four pictures expected.
    assert conv.weight.item() == pytest.approx(2 - (4 + 5) / 4, abs=1e-5)


def test_noise_is_that_of_the_key_in_units_of_the_clip() -> None:
    conv, _, optimiser = one_weight(clip=5.0, noise=3.0)
    optimiser.at = 6
    forget(list(conv.parameters()))
    optimiser.step()
    drawn = KEY.draws("noise", 6).standard_normal((4, 1, 1, 1, 1)).sum() / 2
    assert conv.weight.item() == pytest.approx(2 - 15 * drawn / 4, abs=1e-5)


def test_noise_has_the_deviation_that_the_accountant_counts() -> None:
    conv = nn.Conv2d(16, 64, 3)
    plain = torch.optim.SGD(conv.parameters(), lr=1.0)
    watched(conv)
    optimiser = KeyedOptimiser(plain, guarantee(0.5, 3.0), KEY, batch=1)
    forget(list(conv.parameters()))
    before = conv.weight.detach().clone()
    optimiser.step()
    assert (before - conv.weight).std().item() == pytest.approx(1.5, rel=0.03)


def options(model: str, **given: object) -> Options:
    base = {"data": "x", "validate": "y", "steps": 9, "dp_epsilon": 8.0, "scale": 2, "width": 8}
    return preset(model, **{**base, "blocks": 1, "batch": 3, "loss": "mse", **given})


def private(chosen: Options, clip: float = WIDE, noise: float = 0.0) -> PrivateLearner:
    student = build_student(chosen.config(), seed=0, middle=chosen.middle)
    student.train()
    inner = Fidelity(student, chosen, CPU)
    return PrivateLearner(inner, Spending(guarantee(clip, noise)), KEY, "these")


@pytest.mark.parametrize(
    ("model", "given"),
    [
        ("lite", {}),
        ("lite", {"stride": 2, "prelu": "shared"}),
        ("srresnet", {}),
        ("srresnet", {"prelu": "shared"}),
        ("espcn", {}),
    ],
)
def test_without_clip_and_noise_it_is_the_plain_gradient(
    model: str, given: dict[str, object]
) -> None:
    chosen = options(model, **given)
    torch.manual_seed(0)
    low = torch.rand(3, chosen.channels, 16, 16)
    high = torch.rand(3, chosen.channels, 32, 32)
    learner = private(chosen)
    learner.learn(low, high, 0)
    student = build_student(chosen.config(), seed=0, middle=0)
    plain = Fidelity(student, chosen, CPU)
    plain.loss(student.generator(low), high).backward()  # type: ignore[no-untyped-call]
    learned = learner.inner.optimiser.learned
    for ours, theirs in zip(learned, plain.optimiser.learned, strict=True):
        assert ours.grad is not None
        assert theirs.grad is not None
        assert torch.allclose(ours.grad, theirs.grad, atol=1e-6), model


def test_the_sum_moves_no_further_than_the_clip_for_each_picture() -> None:
    learner = private(options("lite"), clip=1e-3)
    learner.learn(torch.rand(3, 1, 16, 16), torch.rand(3, 1, 32, 32), 0)
    gradients = [p.grad.flatten() for p in learner.inner.optimiser.learned if p.grad is not None]
    assert 0 < torch.cat(gradients).norm() <= 3 * 1e-3 / 3


def test_no_loss_is_shown_and_every_step_is_counted() -> None:
    learner = private(options("lite"), clip=0.1, noise=2.0)
    low, high = torch.rand(3, 1, 16, 16), torch.rand(3, 1, 32, 32)
    assert learner.learn(low, high, 0) == {}
    assert learner.learn(low[:0], high[:0], 1) == {}
    assert learner.spending.steps == 2
    assert set(learner.figures()) == {"epsilon", "delta"}
    assert learner.figures()["epsilon"] > 0
