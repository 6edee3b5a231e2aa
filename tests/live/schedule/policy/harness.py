"""A policy with streams that come and go by number, and jobs that end when they are told."""

from __future__ import annotations

from collections import deque
from dataclasses import replace

from vidsr.live.base.items import Arrival
from vidsr.live.base.options import Late
from vidsr.live.schedule.policy.lane import Lane, Terms
from vidsr.live.schedule.policy.policy import Dropped, Job, Policy
from vidsr.picture.color import ColorSpec
from vidsr.picture.frame import Frame, PixelFormat, VideoFormat

FRAME = Frame((), VideoFormat(16, 16, PixelFormat("gray", 8), ColorSpec()))
LATE: tuple[Late, ...] = ("ladder", "drop", "wait")


class Harness:
    """Three streams, one of each way to be late; frames are numbered by their ``pts``."""

    def __init__(self, workers: int) -> None:
        self.policy, self.workers, self.now_s = Policy(workers), workers, 0.0
        self.lanes: dict[int, Lane] = {}
        self.jobs: deque[Job] = deque()
        self.submitted = 0
        self.ended: list[int] = []

    def join(self, stream: int) -> None:
        if stream not in self.lanes:
            levels = 3 if LATE[stream] == "ladder" else 1
            terms = Terms(
                late=LATE[stream],
                levels=levels,
                side_by_side=2,
                weight=stream + 1,
                reuses=(True, True, False)[:levels],
            )
            self.lanes[stream] = self.policy.join(terms)

    def seed(self, stream: int) -> None:
        if lane := self.lanes.get(stream):
            level = lane.best_known - 1
            if level >= 0:
                self.policy.seed(lane, level, 0.03 / (level + 1), self.now_s)

    def arrive(self, stream: int) -> None:
        lane = self.lanes.get(stream)
        if lane is not None and self.policy.has_room(lane):
            arrival = Arrival(replace(FRAME, pts=self.submitted), self.now_s)
            self.submitted += 1
            self._end(self.policy.arrive(lane, arrival, self.now_s))

    def done(self, _: int = 0) -> None:
        if self.jobs:
            job = self.jobs.popleft()
            self.policy.done(job, self.now_s - job.began_s)
            self._finish(job)

    def fail(self, _: int) -> None:
        if self.jobs:
            job = self.jobs.popleft()
            self.policy.failed(job, self.now_s)
            self._finish(job)

    def leave(self, stream: int) -> None:
        if lane := self.lanes.pop(stream, None):
            self._end(self.policy.leave(lane))

    def serve(self) -> None:
        """Give every free worker what there is."""
        while len(self.jobs) < self.workers:
            turn = self.policy.next(self.now_s)
            self._end(turn.dropped)
            if turn.job is None:
                return
            share = (0.04, 1.0, 0.3)[self.submitted % 3]
            weighed = self.policy.weigh(turn.job, share, self.now_s).job
            assert weighed is not None
            self.jobs.append(weighed)

    def check(self) -> None:
        """Hold what is true after every event."""
        assert len(self.ended) == len(set(self.ended))
        for lane in self.lanes.values():
            assert 0 <= lane.level <= lane.terms.levels
            assert lane.in_work <= lane.terms.side_by_side
            known = lane.predictors[-1 if lane.terms.late == "ladder" else 0].known
            idle = len(self.jobs) < self.workers
            able = known and lane.in_work < lane.terms.side_by_side
            assert not (idle and able and lane.waiting), "a worker idles beside a frame"

    def finish(self) -> None:
        """End all streams and all jobs."""
        for stream in list(self.lanes):
            self.leave(stream)
        while self.jobs:
            self.done()

    def _end(self, dropped: list[Dropped]) -> None:
        self.ended += [one.arrival.frame.pts or 0 for one in dropped]

    def _finish(self, job: Job) -> None:
        self.ended += [rider.item.arrival.frame.pts or 0 for rider in job.riders]
