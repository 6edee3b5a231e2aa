"""Steps of unpaired training: what is minimised, what critics see, and what a state restores."""

from __future__ import annotations

from copy import deepcopy

import pytest
import torch
from torch import Tensor

from vidsr.training.options import Options, preset
from vidsr.training.unpaired.cycle import Cycle
from vidsr.training.unpaired.history import History

CPU = torch.device("cpu")


def options(**given: object) -> Options:
    small = {"width": 2, "crop": 24, "batch": 2, "discriminator_width": 4, "precision": "fp32"}
    return preset("unet", data="x", unpaired="y", steps=9, **{**small, **given})


def crops(seed: int = 0) -> tuple[Tensor, Tensor]:
    both = torch.rand(2, 9, 24, 24, generator=torch.Generator().manual_seed(seed))
    return both[:, :3], both[:, 3:]


def test_the_loss_is_the_weighted_sum() -> None:
    """Fresh generators return their input; critics without weights say 0."""
    learner = Cycle(options(adversarial="wgan-gp", cycle_weight=4.0, penalty_weight=0.5), CPU)
    for parameter in learner.critics.parameters():
        parameter.data.zero_()
    low = torch.full((1, 3, 24, 24), 0.1)
    high = torch.cat((torch.full((1, 3, 24, 24), 0.25), torch.full((1, 3, 24, 24), 0.75)), 1)
    found = {name: float(value) for name, value in learner.learn(low, high, 0).items()}
    wanted = {
        "degrade": 0,
        "restore": 0,
        "identity": 0,
        "cycle": 0.5,
        "loss": 4 * 0.5,
        "critic_bad": 0.5,
        "critic_good": 0.5,  # the penalty of a flat critic is (0 - 1)^2
    }
    assert found == {name: pytest.approx(value, abs=1e-6) for name, value in wanted.items()}


@pytest.mark.parametrize("adversarial", ["lsgan", "hinge", "wgan-gp", "bce"])
def test_a_state_goes_on_to_the_same_bits(adversarial: str) -> None:
    chosen = options(adversarial=adversarial)
    one = Cycle(chosen, CPU)
    for step in range(2):
        one.learn(*crops(step), step)
    other = Cycle(options(adversarial=adversarial, seed=0), CPU)
    other.restore(deepcopy(one.state()))
    losses = [learner.learn(*crops(2), 2) for learner in (one, other)]
    assert all(torch.equal(losses[0][name], losses[1][name]) for name in losses[0])
    for name, weights in one.average.items():
        assert torch.equal(weights, other.average[name])


def test_networks_of_both_directions_learn_and_are_averaged() -> None:
    learner = Cycle(options(rate=3e-3, decay=0.5, adversarial_weight=0.01), CPU)
    fresh = {n: v.clone() for n, v in learner.degradation.weights.items()}
    low, good = crops()[0], crops()[0]
    high = torch.cat((0.8 * good, good), dim=1)
    first = learner.learn(low, high, 0)
    for step in range(1, 12):
        last = learner.learn(low, high, step)
    assert last["cycle"] < first["cycle"]
    assert last["critic_bad"] < first["critic_bad"]
    moved = [n for n, v in learner.degradation.weights.items() if not torch.equal(v, fresh[n])]
    assert "tail.weight" in moved
    assert not torch.equal(learner.average["tail.weight"], fresh["tail.weight"])


def test_the_history_exchanges_half_of_what_comes_once_it_is_full() -> None:
    history, generator = History(2), torch.Generator().manual_seed(5)
    first = torch.arange(2.0).view(2, 1, 1, 1)
    assert torch.equal(history.exchange(first, generator), first)
    draws = torch.Generator().manual_seed(5)
    kept = [0.0, 1.0]
    for number in range(2, 12):
        swap, place = torch.rand(2, generator=draws, dtype=torch.float64).tolist()
        wanted = float(number)
        if swap >= 0.5:
            wanted, kept[int(2 * place)] = kept[int(2 * place)], wanted
        found = history.exchange(torch.full((1, 1, 1, 1), float(number)), generator)
        assert float(found) == wanted
    assert [float(each) for each in history.state()] == kept
    assert kept != [0.0, 1.0]
