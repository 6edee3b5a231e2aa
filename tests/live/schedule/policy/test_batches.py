"""Batches on a device that does eight frames in the time of two and a half."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest

from vidsr.live.schedule.trial.simulation import Camera, Device, Outcome, simulate

GPU = Device(batch_gain=0.2)


def run(streams: list[Camera], device: Device = GPU, seconds: float = 5.0) -> list[Outcome]:
    outcomes = simulate(streams, device, seconds)
    assert all(outcome.in_flight == 0 and outcome.overshoot_s <= 0 for outcome in outcomes)
    return outcomes


def sizes(outcomes: list[Outcome]) -> Counter[int]:
    return sum((outcome.batches for outcome in outcomes), Counter())


def cameras(count: int, apart_s: float, **terms: object) -> list[Camera]:
    given = {"level_s": (0.002,), "batch": "engine", "jitter": 0.05} | terms
    return [Camera(first_s=apart_s * i, **given) for i in range(count)]  # type: ignore[arg-type]


def test_an_overloaded_device_fills_its_batches_and_shows_all() -> None:
    """Forty cameras ask for two devices frame by frame; in batches one does it."""
    alone = run(cameras(40, 0.001, batch=None))
    together = run(cameras(40, 0.001))
    assert sum(outcome.shown_share for outcome in alone) / 40 < 0.6
    assert sum(outcome.shown_share for outcome in together) / 40 > 0.99
    assert max(sizes(together)) > 1


def test_frames_that_come_together_ride_together() -> None:
    assert sizes(run(cameras(8, 0.0)))[8] >= 0.9 * 8 * 125


def test_a_batch_waits_two_milliseconds_for_a_frame_that_is_expected_and_no_longer() -> None:
    near = run(cameras(2, 0.001))
    assert sizes(near)[2] > 0.8 * 250
    assert all(outcome.latency_s(95) < 0.006 for outcome in near)
    far = run(cameras(2, 0.005))
    assert set(sizes(far)) == {1}
    assert all(outcome.latency_s(95) < 0.003 for outcome in far)


def test_nobody_waits_for_a_stream_that_stands() -> None:
    """The other one has left after a second; a batch alone has its own time and no more."""
    first, second = cameras(2, 0.001)
    stays, _ = run([first, replace(second, last_s=1.0)])
    assert stays.batches[1] > 0.7 * 125
    assert sorted(stays.latencies_s)[60] < 0.0025


def test_nothing_waits_where_that_would_make_it_late() -> None:
    tight = run(cameras(2, 0.001, deadline_s=0.004))
    assert set(sizes(tight)) == {1}
    assert all(outcome.shown_share > 0.95 for outcome in tight)


@pytest.mark.parametrize("other", [{"batch": "another engine"}, {"level_s": (0.0021,)}])
def test_other_engines_and_levels_are_other_batches(other: dict[str, object]) -> None:
    mixed = run([*cameras(1, 0.0), *cameras(1, 0.0, **other)])
    assert set(sizes(mixed)) == {1}


def test_equal_levels_at_other_places_of_the_ladders_ride_together() -> None:
    streams = [
        Camera(level_s=(0.5, 0.002), batch="engine", jitter=0.0),
        Camera(level_s=(0.002,), batch="engine", jitter=0.0),
    ]
    assert sizes(run(streams))[2] > 0.9 * 250


def test_weights_hold_in_batches() -> None:
    streams = cameras(20, 0.001, late="drop", weight=2.0) + cameras(20, 0.001, late="drop")
    outcomes = run(streams, Device(batch_gain=0.9))
    heavy = sum(sum(outcome.shown.values()) for outcome in outcomes[:20])
    light = sum(sum(outcome.shown.values()) for outcome in outcomes[20:])
    assert heavy > 1.2 * light
