"""Learning rates over a run, and the clock that measures it."""

from __future__ import annotations

import pytest

from vidsr.training.options import Options, preset
from vidsr.training.steps.schedule import Clock, learning_rate


def options(**given: object) -> Options:
    return preset("lite", data="x", **{"steps": 1000, "rate": 1.0, "warmup": 0, **given})


def rate(step: int, **given: object) -> float:
    return learning_rate(options(**given), Clock(1000, None, step=step))


def test_cosine_from_full_to_nothing() -> None:
    assert rate(0) == 1
    assert rate(500) == pytest.approx(0.5)
    assert rate(250) == pytest.approx(0.853553)  # (1 + cos 45 degrees) / 2
    assert rate(1000) == pytest.approx(0, abs=1e-12)


def test_step_halves_three_times() -> None:
    seen = [rate(step, schedule="step") for step in (0, 499, 500, 749, 750, 900, 999)]
    assert seen == [1, 1, 0.5, 0.5, 0.25, 0.125, 0.125]


def test_constant_stays() -> None:
    assert rate(999, schedule="constant") == 1


def test_warm_up_is_linear_and_ends_early_in_short_runs() -> None:
    assert rate(4, schedule="constant", warmup=10) == pytest.approx(0.5)
    assert rate(25, schedule="constant", warmup=200) == pytest.approx(0.5)  # half of a twentieth
    assert rate(60, schedule="constant", warmup=200) == 1


def test_pauses_are_not_counted() -> None:
    clock = Clock(None, 1.0)
    clock.start()
    clock.tick()
    clock.pause()
    before = clock.seconds
    clock.start()
    assert clock.seconds == before
    assert clock.step == 1
    assert Clock(None, 1.0, seconds=30).progress == 0.5
    assert Clock(None, 1.0, seconds=90).progress == 1
