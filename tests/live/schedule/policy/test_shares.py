"""Shares of the workers and deadlines, on virtual time."""

from __future__ import annotations

from collections import Counter

import pytest

from vidsr.live.schedule.trial.simulation import Camera, Device, Outcome, simulate

STEPS = (0.0004, 0.00018, 0.000025)  # 200 cameras at 25 fps: 200 %, 90 %, 12 % of one worker


def cameras(count: int, **terms: object) -> list[Camera]:
    """Cameras whose clocks have different phases."""
    return [Camera(first_s=0.04 * i / count, **terms) for i in range(count)]  # type: ignore[arg-type]


def shown(outcome: Outcome) -> int:
    return sum(outcome.shown.values())


def test_two_hundred_cameras_get_equal_shares_of_half_of_what_they_ask_for() -> None:
    outcomes = simulate(cameras(200, level_s=STEPS[:1], late="drop"), Device(), 6.0)
    counts = [shown(outcome) for outcome in outcomes]
    mean = sum(counts) / 200
    assert mean == pytest.approx(75, rel=0.05)
    assert all(abs(count / mean - 1) <= 0.1 for count in counts)
    assert all(outcome.in_flight == 0 for outcome in outcomes)


def test_sixteen_cameras_get_as_many_frames_each_whatever_the_noise_of_their_times() -> None:
    """What a frame costs is one mean over all of them, which no camera's turn may move."""
    sixteen = cameras(16, level_s=(0.018,), late="drop", jitter=0.95)
    counts = [shown(outcome) for outcome in simulate(sixteen, Device(), 30.0)]
    assert max(counts) <= 1.06 * min(counts)


@pytest.mark.parametrize(("workers", "service_s"), [(1, 0.08), (1, 0.03), (2, 0.08), (2, 0.06)])
def test_weights_two_to_one(workers: int, service_s: float) -> None:
    pair = [
        Camera(late="drop", level_s=(service_s,), weight=2, network_s=0.01),
        Camera(late="drop", level_s=(service_s,), first_s=0.013, network_s=0.01),
    ]
    heavy, light = simulate(pair, Device(workers=workers, pauses=0.25), 60.0)
    assert shown(heavy) / shown(light) == pytest.approx(2, rel=0.15)


def test_idle_time_goes_to_others_and_makes_no_debt() -> None:
    """A stream that had everything for ten seconds shares equally as soon as there are two."""
    pair = [
        Camera(late="drop", level_s=(0.04,)),
        Camera(late="drop", level_s=(0.04,), first_s=10.01),
    ]
    first, second = simulate(pair, Device(), 20.0)
    assert shown(second) == pytest.approx(125, rel=0.1)
    assert shown(first) == pytest.approx(240 + 125, rel=0.1)


def test_a_light_stream_is_not_held_up_by_greedy_ones() -> None:
    greedy = [Camera(late="drop", level_s=(0.08,), first_s=0.01 * i) for i in range(4)]
    light = Camera(late="drop", level_s=(0.004,), interval_s=0.1, deadline_s=0.3)
    *_, outcome = simulate([*greedy, light], Device(), 30.0)
    assert outcome.shown_share > 0.98


def test_a_file_that_waits_takes_no_more_than_its_share() -> None:
    pair = [
        Camera(late="wait", level_s=(0.02,), interval_s=0.001),
        Camera(level_s=(0.015, 0.005)),
    ]
    file, camera = simulate(pair, Device(), 20.0)
    assert not file.dropped.keys() - {"stopped"}
    assert camera.shown_share > 0.95
    assert camera.shown[0] > 0.9 * camera.received
    assert file.device_s + camera.device_s > 19  # and the file has all the rest


def test_frames_of_different_deadlines_go_by_their_deadlines() -> None:
    """The urgent stream comes first where both have credit: its frames are hardly ever late."""
    pair = [
        Camera(late="drop", level_s=(0.018,), deadline_s=1.0),
        Camera(late="drop", level_s=(0.018,), deadline_s=0.05, first_s=0.001),
    ]
    patient, urgent = simulate(pair, Device(), 20.0)
    assert urgent.latency_s(95) <= 0.05
    assert patient.shown_share > 0.95


def test_all_that_ends_is_counted_once_with_hiccups_and_departures() -> None:
    mixed = [
        Camera(late=late, level_s=(0.02, 0.009, 0.001)[: 3 if late == "ladder" else 1], last_s=last)
        for late in ("ladder", "drop", "wait")
        for last in (None, 3.33)
    ]
    outcomes = simulate(mixed, Device(workers=2, pauses=0.5), 10.0)
    total: Counter[str] = Counter()
    for outcome in outcomes:
        assert outcome.in_flight == 0
        total.update(outcome.dropped)
    assert set(total) <= {"superseded", "late", "stopped"}
