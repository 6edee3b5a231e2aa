"""A worker: does the jobs that the policy gives out, and gives results to their streams."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial

from vidsr.live.base.items import Result
from vidsr.live.schedule.desk import Desk
from vidsr.live.schedule.levels.level import Level, ReusingLevel
from vidsr.live.schedule.member import Member
from vidsr.live.schedule.policy.load import Change
from vidsr.live.schedule.policy.policy import Job
from vidsr.picture.frame import Frame

IDLE_S = 1.0  # between two looks for work where nothing happens


class Worker:
    """One thread's work. No error of a level or of a stream ends it.

    Args:
        desk: What is shared with other threads.
        measure: The way to a measurement of a stream's level, which returns at once.

    Attributes:
        busy_s: Seconds at work.
        batches: Jobs by the number of their frames.
    """

    def __init__(self, desk: Desk, measure: Callable[[Member, int], None]) -> None:
        self._desk, self._measure = desk, measure
        self.busy_s = 0.0
        self.batches: Counter[int] = Counter()

    def run(self) -> None:
        """Do what the policy says until the scheduler stops."""
        desk = self._desk
        while True:
            with desk.changed:
                if desk.stopped:
                    return
                desk.ticked_s = now_s = time.monotonic()
                turn = desk.policy.next(now_s)
                tickets = self._draw(turn.job)
                desk.owe(turn.dropped)
                if turn.job is None and not turn.dropped and not turn.changes:
                    wait_s = IDLE_S if turn.wake_s is None else turn.wake_s - now_s
                    desk.changed.wait(max(0.0, wait_s))
                    continue
            desk.tell(turn.dropped)
            _announce(turn.changes)
            if turn.measure is not None:
                lane, level = turn.measure
                self._measure(lane.owner, level)
            if turn.job is not None:
                self._do(self._weighed(turn.job), tickets)

    def _draw(self, job: Job | None) -> list[int]:
        if job is None:
            return []
        self._desk.changed.notify_all()  # there is room for one more
        return [rider.lane.owner.outbox.draw() for rider in job.riders]

    def _weighed(self, job: Job) -> Job:
        """Compare a frame with the one before, where it is reused, and choose the level by that."""
        rider, now_s = job.riders[0], time.monotonic()
        share = None
        if job.size == 1:
            share = rider.lane.owner.changed_share(rider.level, rider.item.arrival)
        if share is None:
            return job
        with self._desk.changed:
            turn = self._desk.policy.weigh(job, share, now_s)
        _announce(turn.changes)
        assert turn.job is not None
        return turn.job

    def _do(self, job: Job, tickets: Sequence[int]) -> None:
        """Upscale the frames of a job, and give them to their streams."""
        members: list[Member] = [rider.lane.owner for rider in job.riders]
        level = members[0].levels[job.riders[0].level]
        began_s = time.monotonic()
        frames, error = _upscaled(level, job)
        done_s, computed = time.monotonic(), _computed(level)
        self._count(job, done_s - began_s, computed, error)
        for index, (member, ticket) in enumerate(zip(members, tickets, strict=True)):
            arrival = job.riders[index].item.arrival
            if error is not None:
                member.level_failed(job.riders[index].level, error)
                member.outbox.fill(ticket, partial(member.drop, arrival, "failed"))
                continue
            member.release(arrival)
            result = Result(frames[index], arrival, level.name, done_s, computed, began_s)
            member.outbox.fill(ticket, partial(member.deliver, result))
        with self._desk.changed:
            self._desk.changed.notify_all()

    def _count(
        self, job: Job, seconds: float, computed: float, error: BaseException | None
    ) -> None:
        with self._desk.changed:
            self.busy_s += seconds
            self.batches[len(job.riders)] += 1
            if error is None:
                self._desk.policy.done(job, seconds, computed)
            else:
                self._desk.policy.failed(job, time.monotonic())


def _announce(changes: Sequence[Change]) -> None:
    for change in changes:
        change.lane.owner.level_changed(change.direction, change.lane.level)


def _computed(level: Level) -> float:
    """Return the share of the pixels of this thread's last frame that a level has computed."""
    return level.last_share if isinstance(level, ReusingLevel) and level.reuses else 1.0


def _upscaled(level: Level, job: Job) -> tuple[list[Frame], BaseException | None]:
    """Return the large frames, or the error in place of them."""
    small = [rider.item.arrival.frame for rider in job.riders]
    try:
        large = [level.upscale(small[0])] if job.size == 1 else level.upscale_batch(small, job.size)
    except BaseException as error:  # MemoryError, and what a stream's own level may raise
        return [], error
    return large, None
