"""Predictions of a level's time: means, deviations, pauses, parts of frames and batches."""

from __future__ import annotations

import math
import random

import pytest

from vidsr.live.schedule.policy.predictor import Predictor


def seeded(seconds: float = 0.01) -> Predictor:
    predictor = Predictor()
    predictor.seed(seconds)
    return predictor


def test_nothing_known_never_fits() -> None:
    predictor = Predictor()
    assert not predictor.known
    assert predictor.mean_s() == predictor.safe_s() == math.inf


def test_steady_times_are_learnt_and_leave_little_doubt() -> None:
    predictor = seeded(0.03)
    for _ in range(60):
        predictor.add(0.01)
    assert predictor.mean_s() == pytest.approx(0.01, rel=0.02)
    assert predictor.safe_s() < 0.0115


def test_few_times_exceed_the_safe_one() -> None:
    predictor, chance, above = seeded(), random.Random(1), 0
    for _ in range(2000):
        seconds = chance.uniform(0.0075, 0.0125)
        above += seconds > predictor.safe_s()
        predictor.add(seconds)
    assert above < 0.06 * 2000


def test_one_pause_is_the_machines_and_two_are_news() -> None:
    predictor = seeded()
    for _ in range(30):
        predictor.add(0.01)
    before = predictor.safe_s()
    predictor.add(0.15)
    assert predictor.safe_s() == before
    assert predictor.hiccups == 1
    predictor.add(0.01)
    predictor.add(0.15)
    predictor.add(0.15)
    assert predictor.safe_s() > 2 * before


def test_key_frames_are_apart_from_frames_that_hardly_change() -> None:
    predictor = seeded(0.03)
    for _ in range(100):
        predictor.add(0.004, work=0.1)
    predictor.add(0.03, work=1.0)
    assert predictor.mean_s(0.1) == pytest.approx(0.004, rel=0.05)
    assert predictor.mean_s(1.0) == pytest.approx(0.03, rel=0.05)


def test_what_was_never_seen_is_in_proportion_to_what_was() -> None:
    predictor = seeded(0.03)
    assert predictor.mean_s(0.25) == pytest.approx(0.03 * (0.15 + 0.85 / 4))  # colours stay
    assert predictor.mean_s(4.0) == pytest.approx(0.12)
    assert predictor.mean_s(0.0) > 0.15 * 0.03


def test_a_level_without_use_fades_down_to_half_at_most() -> None:
    predictor = seeded(0.08)
    for _ in range(10_000):
        predictor.fade()
    assert predictor.mean_s() == pytest.approx(0.04)
    predictor.add(0.08)
    assert predictor.mean_s() > 0.04


def test_deviation_that_lets_no_frame_through_goes() -> None:
    predictor = seeded(0.08)
    for seconds in (0.15, 0.08, 0.15, 0.08):
        predictor.add(seconds)
    assert predictor.safe_s() > 0.12
    for _ in range(20):
        predictor.excuse()
    assert predictor.safe_s() < 0.12
