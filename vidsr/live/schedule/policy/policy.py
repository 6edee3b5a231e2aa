"""The policy: frames come in, jobs for workers come out, and every frame has one end."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, field
from weakref import WeakValueDictionary

from vidsr.live.base.items import Arrival
from vidsr.live.base.states import DropReason
from vidsr.live.schedule.policy import load
from vidsr.live.schedule.policy.batches import Batching, Rider
from vidsr.live.schedule.policy.lane import Lane, Terms, Waiting
from vidsr.live.schedule.policy.load import Change, Load
from vidsr.live.schedule.policy.predictor import Predictor
from vidsr.live.schedule.policy.rules import STANDARD, Rules
from vidsr.live.schedule.policy.shares import Shares


@dataclass(frozen=True)
class Dropped:
    """A frame that will not be upscaled."""

    lane: Lane
    arrival: Arrival
    reason: DropReason


@dataclass(frozen=True, eq=False)
class Job:
    """Frames for one worker at one level: one, or a batch of several streams.

    Args:
        riders: The frames.
        size: The size of the batch, which may be larger than the number of frames.
        began_s: When it was given out.
    """

    riders: tuple[Rider, ...]
    size: int
    began_s: float

    @property
    def work(self) -> float:
        """Frames to be computed, in whole ones."""
        first = self.riders[0]
        alone = first.lane.terms.work(first.level, first.item.share)
        return alone if self.size == 1 else float(self.size)


@dataclass
class Turn:
    """The answer to a worker: a job, or when to ask again; and what was decided on the way.

    ``measure`` is a level that somebody shall measure, and answer for by ``measured``.
    """

    job: Job | None = None
    wake_s: float | None = None
    dropped: list[Dropped] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)
    measure: tuple[Lane, int] | None = None


class Policy:
    """Decisions about all streams of some workers. For one thread at a time; has no clock.

    Args:
        workers: How many jobs are done at once.
        rules: Numbers.
    """

    def __init__(self, workers: int = 1, rules: Rules = STANDARD) -> None:
        self.workers, self.rules = workers, rules
        self.lanes: dict[Lane, None] = {}  # in the order of joining
        # Of streams that come and go; what nobody has any more is forgotten.
        self._costs: WeakValueDictionary[Hashable, Predictor] = WeakValueDictionary()
        self._shares = Shares(rules.credit_rounds)
        self._batching = Batching(rules)
        self._load = Load(0.0, 0.0, workers, frozenset())
        self._planned_s: float | None = None
        self._trial: Lane | None = None
        self._measured: Lane | None = None  # whose level is being measured

    @property
    def busy(self) -> float:
        """Workers that all streams keep busy at their levels, as predicted."""
        return self._load.busy

    def join(self, terms: Terms) -> Lane:
        """Begin a stream. Its frames are upscaled as soon as times of its levels are known."""
        costs = tuple(self._costs.setdefault(kind, Predictor()) for kind in terms.kinds)
        lane = Lane(terms, self.rules, costs=costs)
        for cost in costs:
            cost.streams += 1
        self.lanes[lane] = None
        return lane

    def seed(self, lane: Lane, level: int, seconds: float, now_s: float) -> None:
        """Take what a warm-up of a level took; levels are warmed from the fastest to the best.

        The stream begins on the best level that has room.
        """
        lane.seed(level, seconds)
        lane.measured_s = now_s
        self._shares.put(lane)
        if lane.terms.late != "ladder" or lane.best_known > level:
            return
        last = lane.terms.levels - 1
        if level == last:
            lane.ladder.place(last)
            return
        budget_s = self.rules.climb_budget * (lane.terms.deadline_s - lane.tail_s)
        in_time = lane.predictors[level].safe_s() <= budget_s
        room = load.of(self.lanes, self.workers, now_s).has_room(lane, level, self.rules)
        if lane.ladder.level == level + 1 and in_time and room:
            lane.ladder.place(level)

    def measured(self, lane: Lane, level: int, seconds: float | None, took_s: float) -> None:
        """Take what a level took that was to be measured, None where that has failed."""
        self._measured, lane.measuring_s = None, took_s
        if seconds is None or lane.gone:
            return
        cost = lane.costs[level]
        used = any(x.in_use is cost for x in self.lanes)
        lane.renew(level, seconds, shared=not used)

    def leave(self, lane: Lane) -> list[Dropped]:
        """End a stream; its frames in work end with ``done``."""
        self.lanes.pop(lane, None)
        if not lane.gone and lane.costs is not lane.predictors:
            for cost in lane.costs:
                cost.streams -= 1
        lane.gone = True
        dropped = [Dropped(lane, item.arrival, "stopped") for item in lane.waiting]
        lane.waiting.clear()
        self._shares.put(lane)
        return dropped

    def has_room(self, lane: Lane) -> bool:
        """Return False where a frame that came now would be one too many to keep."""
        return lane.terms.late != "wait" or len(lane.waiting) < self.rules.waiting_frames

    def arrive(
        self, lane: Lane, arrival: Arrival, now_s: float, share: float | None = None
    ) -> list[Dropped]:
        """Take a frame; return those that it makes superfluous.

        ``share`` is how much of it changed; None takes it for what it is usually, see ``weigh``.
        """
        if lane.gone:
            return [Dropped(lane, arrival, "stopped")]
        lane.came(now_s)
        if share is not None:
            lane.changed(share)
        dropped = []
        if lane.terms.late != "wait":
            dropped = [Dropped(lane, item.arrival, "superseded") for item in lane.waiting]
            lane.waiting.clear()
        lane.waiting.append(Waiting(arrival, lane.usual_share if share is None else share))
        self._shares.put(lane)
        return dropped

    def next(self, now_s: float) -> Turn:
        """Return what a free worker does now."""
        turn = Turn()
        self._plan(now_s, turn)
        while True:
            lane = self._shares.first(self.lanes)
            if lane is None:
                return turn
            item = lane.waiting[0]
            level = lane.choice(item, now_s)
            if level is None and lane.probes(item, now_s):
                level = lane.last
            if level is not None:
                self._fall_to(lane, level, now_s, turn)
                return self._start(Rider(lane, item, level), now_s, turn)
            lane.waiting.popleft()
            lane.too_late(now_s)
            self._shares.put(lane)
            turn.dropped.append(Dropped(lane, item.arrival, "late"))
            self._fall_to(lane, lane.terms.levels - 1, now_s, turn)

    def weigh(self, job: Job, share: float, now_s: float) -> Turn:
        """Take how much of a job's frame has changed, and go down a level where that is too much.

        The share is known only by comparing, which is a worker's work, and so after the job was
        given out. Where no level is in time any more the last one does it: it has begun in time.
        """
        (rider,) = job.riders
        lane, turn = rider.lane, Turn()
        lane.changed(share)
        item = Waiting(rider.item.arrival, share)
        level = rider.level
        if lane.terms.late == "ladder":
            choice = lane.choice(item, now_s)
            level = max(level, lane.terms.levels - 1 if choice is None else choice)
        turn.job = Job((Rider(lane, item, level),), job.size, job.began_s)
        old_s = lane.costs[rider.level].mean_s(job.work)
        lane.credit_s += old_s - lane.costs[level].mean_s(turn.job.work)
        self._shares.put(lane)
        if level > rider.level:  # a stream that climbs has its next frame on the better level
            self._fall_to(lane, level, now_s, turn)
        return turn

    def done(self, job: Job, seconds: float, share: float | None = None) -> None:
        """Take how long a job has taken; every job ends here or in ``failed``.

        ``share`` is what was computed of its frame, None where that is what it was weighed as.
        """
        for rider in job.riders:
            work = job.work
            if share is not None and job.size == 1:
                work = rider.lane.terms.work(rider.level, share)
            rider.lane.in_work -= 1
            if not rider.lane.trial_left:  # whose frames prove parts to be exact, which takes time
                rider.lane.took(rider.level, seconds, work)
            self._shares.put(rider.lane)

    def failed(self, job: Job, now_s: float) -> None:
        """Take the end of a job without a result; its streams go on with the level below."""
        for rider in job.riders:
            lane = rider.lane
            lane.in_work -= 1
            self._shares.put(lane)
            if lane.terms.late == "ladder" and lane.level <= rider.level and load.can_fall(lane):
                lane.ladder.fall(rider.level + 1, now_s)

    def _start(self, first: Rider, now_s: float, turn: Turn) -> Turn:
        """Make the job of a frame, and of those that ride with it; or wait for one more."""
        riders, size, turn.wake_s = self._batching.gather(
            first, self._shares.ready(), self.lanes, now_s
        )
        if turn.wake_s is not None:
            return turn
        turn.job = Job(tuple(riders), size, now_s)
        for rider in riders:
            lane = rider.lane
            lane.waiting.popleft()
            lane.in_work += 1
            lane.barred_since_s = None
            cost_s = lane.costs[rider.level].mean_s(turn.job.work)
            lane.credit_s -= cost_s / len(riders)
            self._shares.put(lane)
            self._see(lane, rider.item, now_s, turn)
        return turn

    def _see(self, lane: Lane, item: Waiting, now_s: float, turn: Turn) -> None:
        """Look whether the level above would have had room, and go there after enough frames."""
        level = lane.level
        if lane.terms.late != "ladder" or level <= lane.best_known:
            return
        lane.fade(level - 1)
        budget_s = self.rules.climb_budget * (lane.due_s(item) - now_s)
        room = self._load.has_room(lane, level - 1, self.rules)
        fits = room and lane.safe_s(level - 1, item) <= budget_s
        if not fits and self._may_measure(lane, now_s):
            self._measured, lane.measured_s = lane, now_s
            turn.measure = lane, level - 1
        tries = not fits and not self._trial_runs() and lane.may_try(level - 1, item)
        if not lane.ladder.see(fits or tries, now_s):
            return
        if tries:
            self._trial = lane
            lane.begin_trial()
        lane.ladder.climb(now_s)
        self._load = self._load.moved(lane, level, level - 1)
        turn.changes.append(Change(lane, "up"))

    def _may_measure(self, lane: Lane, now_s: float) -> bool:
        """Return True if the level above may be measured anew: see ``Rules.measure_s``."""
        rules = self.rules
        busy = self._load.busy > rules.measure_load * self.workers
        taken = self._measured is not None and not self._measured.gone
        if taken or busy or lane.trial_left:
            return False
        doubled = 2.0 ** min(lane.ladder.relapses, rules.measure_doublings)
        apart_s = max(rules.measure_s * doubled, lane.measuring_s / rules.measure_part)
        # What was learnt on the way down is fresh, and so is a warm-up.
        return now_s - max(lane.measured_s, lane.ladder.fell_s) >= apart_s

    def _trial_runs(self) -> bool:
        """Return True while a stream shows whether it stands still."""
        lane = self._trial
        return lane is not None and lane.trial_left > 0 and not lane.gone

    def _fall_to(self, lane: Lane, level: int, now_s: float, turn: Turn) -> None:
        if lane.terms.late == "ladder" and level > lane.level:
            lane.trial_left = 0
            lane.ladder.fall(level, now_s)
            turn.changes.append(Change(lane, "down"))

    def _plan(self, now_s: float, turn: Turn) -> None:
        """Look at the load of all streams from time to time, and lower levels where it is full."""
        if self._planned_s is not None and now_s - self._planned_s < self.rules.replan_s:
            return
        self._planned_s = now_s
        turn.changes += load.lower(self.lanes, self.workers, self.rules, now_s)
        self._load = load.of(self.lanes, self.workers, now_s)
