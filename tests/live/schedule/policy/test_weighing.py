"""Frames of which little changed: how their share is known, and what it does to levels."""

from __future__ import annotations

import pytest

from tests.live.schedule.policy.harness import FRAME
from vidsr.live.base.items import Arrival
from vidsr.live.schedule.policy.lane import Lane, Terms
from vidsr.live.schedule.policy.policy import Job, Policy

LEVEL_S = (0.1, 0.06, 0.002)
STILL = 0.1  # share of a frame that changes while nothing happens


class Still:
    """A camera whose best level takes 100 ms for a whole frame, at 25 fps: 8 ms where all stands.

    The levels that are models reuse, bicubic does not.
    """

    def __init__(self, deadline_s: float = 0.2) -> None:
        self.policy, self.now_s = Policy(1), 0.0
        terms = Terms(levels=3, reuses=(True, True, False), deadline_s=deadline_s)
        self.lane: Lane = self.policy.join(terms)
        for level in (2, 1, 0):
            self.policy.seed(self.lane, level, LEVEL_S[level], 0.0)

    def frame(self, share: float, took_s: float | None = None) -> Job:
        """Send a frame, weigh it and have it done."""
        self.now_s += 0.04
        self.policy.arrive(self.lane, Arrival(FRAME, self.now_s), self.now_s)
        job = self.policy.next(self.now_s).job
        assert job is not None
        if self.lane.terms.reuses[job.riders[0].level]:
            job = self.policy.weigh(job, share, self.now_s).job
            assert job is not None
        level = job.riders[0].level
        work = self.lane.terms.work(level, share)
        self.policy.done(job, took_s or LEVEL_S[level] * max(work, 0.08), share)
        return job


def level_of(job: Job) -> int:
    return job.riders[0].level


def test_a_camera_that_stands_still_rises_to_a_level_it_could_not_have_whole() -> None:
    """From bicubic, which knows nothing of what changes, by a trial; then by what it knows."""
    camera = Still()
    assert camera.lane.level == 2
    levels = [level_of(camera.frame(STILL)) for _ in range(200)]
    assert levels[60] == 1
    assert levels[-1] == 0
    assert camera.lane.demand(0) == pytest.approx(0.25, rel=0.4)


def test_a_camera_that_moves_tries_ever_less_often() -> None:
    camera = Still()
    levels = [level_of(camera.frame(1.0)) for _ in range(1500)]
    assert 0 not in levels
    assert levels.count(1) < 0.03 * 1500


def test_one_camera_tries_at_a_time() -> None:
    policy, now_s = Policy(1), 0.0
    terms = Terms(levels=2, reuses=(True, False))
    lanes = [policy.join(terms) for _ in range(4)]
    for lane in lanes:
        policy.seed(lane, 1, 0.001, 0.0)
        policy.seed(lane, 0, 0.06, 0.0)
        lane.ladder.place(1)
    for _ in range(120):
        now_s += 0.04
        for lane in lanes:
            policy.arrive(lane, Arrival(FRAME, now_s), now_s)
        while job := policy.next(now_s).job:
            (rider,) = job.riders
            if rider.level == 0:
                job = policy.weigh(job, 1.0, now_s).job
                assert job is not None
            policy.done(job, (0.06, 0.001)[job.riders[0].level], 1.0)
        assert sum(lane.trial_left > 0 for lane in lanes) <= 1
        assert sum(lane.level == 0 for lane in lanes) <= 2


def test_a_key_frame_goes_down_by_its_own_share_and_not_by_what_was_usual() -> None:
    camera = Still(deadline_s=0.08)
    camera.lane.ladder.place(0)
    camera.lane.usual_share = STILL
    for _ in range(20):
        assert level_of(camera.frame(STILL)) == 0
    key = camera.frame(1.0)
    assert level_of(key) == 1  # 60 ms, in time; 100 ms would not be
    assert camera.lane.level == 1


def test_where_no_level_is_in_time_any_more_the_last_one_does_it() -> None:
    camera = Still(deadline_s=0.03)
    camera.lane.ladder.place(0)
    camera.lane.usual_share = STILL
    for _ in range(20):
        camera.frame(STILL)
    for predictor in camera.lane.predictors[1:]:
        predictor.seed(0.5)
    assert level_of(camera.frame(1.0)) == 2


def test_credit_is_paid_for_what_the_frame_was_weighed_as() -> None:
    camera = Still()
    camera.lane.ladder.place(0)
    camera.lane.usual_share = STILL
    for _ in range(20):
        camera.frame(STILL)
    before = camera.lane.credit_s
    camera.frame(STILL)
    paid_still = before - camera.lane.credit_s
    assert paid_still < 0.02
