"""Deadlines and ladders of many streams under overload, on virtual time."""

from __future__ import annotations

from collections import Counter

import pytest

from tests.live.schedule.policy.harness import FRAME
from tests.live.schedule.policy.test_shares import STEPS, cameras
from vidsr.live.base.items import Arrival
from vidsr.live.base.options import Late
from vidsr.live.schedule.policy.lane import Terms
from vidsr.live.schedule.policy.policy import Policy
from vidsr.live.schedule.trial.simulation import Camera, Device, simulate

PAUSES = Device(pauses=0.25)


@pytest.mark.parametrize(
    ("full_s", "shown"), [(0.012, 0.96), (0.036, 0.96), (0.044, 0.96), (0.08, 0.95), (0.3, 0.95)]
)
def test_the_ladder_shows_nearly_all_whatever_the_full_level_takes(
    full_s: float, shown: float
) -> None:
    """Every four seconds of work the machine pauses for 150 ms, which costs three frames."""
    camera = Camera(level_s=(full_s, 0.45 * full_s, 0.06 * full_s), deadline_s=0.12)
    (outcome,) = simulate([camera], PAUSES, 60.0)
    assert outcome.shown_share >= shown
    assert outcome.overshoot_s <= 0
    assert outcome.latency_s(99) <= 0.12 + 0.15 + full_s


def test_without_pauses_all_is_shown_in_time() -> None:
    (outcome,) = simulate([Camera(level_s=(0.08, 0.036, 0.005))], Device(), 60.0)
    assert outcome.shown_share >= 0.995
    assert outcome.latency_s(99) <= 0.2


def test_dropping_alone_shows_half_at_twice_the_load() -> None:
    camera = Camera(level_s=(0.08,), late="drop", deadline_s=0.12)
    (outcome,) = simulate([camera], PAUSES, 60.0)
    assert 0.42 <= outcome.shown_share <= 0.5
    assert outcome.overshoot_s <= 0


def test_a_level_that_has_room_is_kept() -> None:
    (outcome,) = simulate([Camera(level_s=(0.02, 0.009, 0.001))], PAUSES, 60.0)
    assert outcome.shown[0] >= 0.94 * outcome.received
    assert not outcome.changes


def test_two_hundred_cameras_on_one_device_at_twice_its_load() -> None:
    outcomes = simulate(cameras(200, level_s=STEPS), Device(), 5.0)
    received = sum(outcome.received for outcome in outcomes)
    levels: Counter[int] = sum((outcome.shown for outcome in outcomes), Counter())
    assert sum(levels.values()) >= 0.98 * received
    assert levels[1] >= 0.8 * received  # the middle level is what all can have
    assert all(outcome.in_flight == 0 for outcome in outcomes)
    assert max(outcome.overshoot_s for outcome in outcomes) <= 0
    latencies = sorted(s for outcome in outcomes for s in outcome.latencies_s)
    assert latencies[int(0.99 * len(latencies))] <= 0.2 + STEPS[0]


def test_the_largest_demand_by_weight_goes_down_first() -> None:
    """Three small cameras fit beside one that needs more than there is; it alone goes down."""
    small = [Camera(level_s=(0.005, 0.002), first_s=0.01 * i) for i in range(3)]
    large = Camera(level_s=(0.045, 0.01), first_s=0.035)
    *outcomes, greedy = simulate([*small, large], Device(), 20.0)
    assert greedy.shown[1] > 0.95 * greedy.received
    assert all(outcome.shown[0] > 0.95 * outcome.received for outcome in outcomes)


def test_a_stream_that_comes_late_gets_its_fair_share_of_quality() -> None:
    """Four fill the device at their best level; a fifth makes room by its claim, not by luck."""
    level_s = (0.009, 0.004, 0.0005)
    streams = [Camera(level_s=level_s, first_s=0.01 * i) for i in range(4)]
    *_, last = simulate([*streams, Camera(level_s=level_s, first_s=5.005)], Device(), 30.0)
    assert last.shown[2] < 0.1 * last.received


def test_room_that_comes_back_is_used() -> None:
    """Two share the device at the middle level; when one leaves, the other rises."""
    level_s = (0.03, 0.012, 0.001)
    stays, _ = simulate(
        [Camera(level_s=level_s), Camera(level_s=level_s, first_s=0.02, last_s=10.0)],
        Device(),
        30.0,
    )
    assert stays.changes["up"] >= 1
    assert stays.shown[0] > 0.5 * stays.received


def test_a_warm_up_on_a_busy_machine_is_forgotten_within_seconds() -> None:
    """Every level took twenty times as long as it does when nobody else has the cores."""
    camera = Camera(level_s=(0.008, 0.003, 0.0005), warm_factor=20.0)
    (outcome,) = simulate([camera], Device(), 20.0)
    assert outcome.shown[0] >= 0.6 * outcome.received
    assert outcome.changes == {"up": 2}


def test_a_slow_camera_climbs_as_soon_as_a_fast_one() -> None:
    camera = Camera(level_s=(0.008, 0.0005), warm_factor=30.0, interval_s=0.2)
    (outcome,) = simulate([camera], Device(), 20.0)
    assert outcome.shown[0] >= 0.7 * outcome.received


def test_measurements_that_promise_too_much_are_asked_for_less_and_less() -> None:
    """A level takes ten times as long with the frames as beside them, and never fits."""
    camera = Camera(level_s=(0.08, 0.01), beside_factor=0.1)
    (outcome,) = simulate([camera], Device(), 120.0)
    assert 1 <= outcome.changes["up"] <= 8
    assert outcome.shown[1] > 0.97 * outcome.received


def test_arrivals_out_of_step_do_not_move_the_level() -> None:
    camera = Camera(level_s=(0.015, 0.006, 0.001), network_s=0.03)
    (outcome,) = simulate([camera], Device(), 30.0)
    assert outcome.shown[0] >= 0.85 * outcome.received
    assert sum(outcome.changes.values()) <= 2


@pytest.mark.parametrize("late", ["ladder", "drop"])
@pytest.mark.parametrize("poison", ["upscaling", "encoding"])
def test_pauses_of_the_machine_bar_no_stream_for_ever(late: Late, poison: str) -> None:
    """A pause of many seconds teaches that nothing is ever in time, which a try puts right."""
    policy = Policy(1)
    lane = policy.join(Terms(late=late, levels=1, deadline_s=0.2))
    policy.seed(lane, 0, 0.01, 0.0)
    for _ in range(8):
        lane.took(0, 10.0, 1.0) if poison == "upscaling" else lane.spent(10.0)
    shown = 0
    for number in range(250):
        now_s = 1.0 + 0.04 * number
        policy.arrive(lane, Arrival(FRAME, now_s), now_s)
        job = policy.next(now_s).job
        if job is not None:
            policy.done(job, 0.01)
            lane.spent(0.005)
            shown += 1
    assert shown >= 5
    assert policy.next(11.0).job is None
