"""Guarantee: the noise that is chosen, and that epsilon is the accountant's own."""

from __future__ import annotations

import math

import pytest

from vidsr.errors import OptionError
from vidsr.training.options import Options, preset

accountants = pytest.importorskip("opacus.accountants", reason="Opacus is not installed")

from vidsr.training.private.guarantee import Guarantee, Spending, facts, in_words  # noqa: E402


def options(**given: object) -> Options:
    base = {"data": "x", "validate": "y", "steps": 100, "dp_epsilon": 3.0, "batch": 4}
    return preset("lite", **{**base, **given})


def spent(noise: float, rate: float, steps: int, delta: float) -> float:
    """Return what Opacus's accountant says after as many steps of its own."""
    accountant = accountants.RDPAccountant()
    for _ in range(steps):
        accountant.step(noise_multiplier=noise, sample_rate=rate)
    return float(accountant.get_epsilon(delta))


@pytest.mark.parametrize("epsilon", [1.0, 3.0, 20.0])
def test_the_noise_is_just_enough(epsilon: float) -> None:
    chosen = Guarantee.choose(options(dp_epsilon=epsilon), sources=40)
    assert chosen.rate == 0.1
    reached = spent(chosen.noise, chosen.rate, 100, chosen.delta)
    assert 0.99 * epsilon < reached <= epsilon


def test_epsilon_is_the_accountants_own_number() -> None:
    spending = Spending(Guarantee.choose(options(), sources=40))
    guarantee = spending.guarantee
    assert spending.epsilon == 0
    for _ in range(30):
        spending.step()
    assert spending.steps == 30
    assert spending.epsilon == spent(guarantee.noise, guarantee.rate, 30, guarantee.delta)
    again = Spending(guarantee, spending.history)
    again.step()
    spending.step()
    assert again.epsilon == spending.epsilon
    assert again.history == spending.history == [(guarantee.noise, guarantee.rate, 31)]


def test_without_sampling_epsilon_is_that_of_the_gaussian_mechanism() -> None:
    # A Gaussian of deviation s has Rényi divergence a / (2 s^2) of order a; the conversion is that
    # of Balle et al., 2020 (theorem 21), here at its best order.
    noise, delta = 5.0, 1e-5
    guarantee = Guarantee(9.0, delta, 1.0, noise, 1.0, 4, 1)
    spending = Spending(guarantee)
    spending.step()
    orders = [1 + tenth / 10 for tenth in range(1, 100)] + list(range(12, 64))
    by_hand = min(
        a / (2 * noise**2) + math.log((a - 1) / a) - (math.log(delta) + math.log(a)) / (a - 1)
        for a in orders
    )
    assert spending.epsilon == pytest.approx(by_hand, abs=1e-9)


@pytest.mark.parametrize(
    ("given", "sources", "message"),
    [
        ({"batch": 16}, 9, "batch = 16 with `dp_epsilon`: expected 9 or less"),
        ({"dp_delta": 0.05}, 40, "dp_delta = 0.05: expected less than 1 in 40"),
        ({"dp_epsilon": 0.01}, 40, "dp_epsilon = 0.01 with dp_delta = 1e-05: no noise is enough"),
    ],
)
def test_refusals(given: dict[str, object], sources: int, message: str) -> None:
    with pytest.raises(OptionError, match=message):
        Guarantee.choose(options(**given), sources)


def test_a_known_seed_is_said_on_the_card() -> None:
    spending = Spending(Guarantee(9.0, 1e-5, 0.5, 2.0, 0.1, 40, 1))
    line = in_words(facts(spending, secret=True))
    assert "delta 1e-05 for each photograph or video of 40: gradients clipped to 0.5" in line
    assert "not in force" not in line
    assert "not in force" in in_words(facts(spending, secret=False))
