"""One stream as the policy knows it: what it asks for, what waits, what it has cost."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Hashable
from dataclasses import dataclass, field
from typing import Any

from vidsr.live.base.items import Arrival
from vidsr.live.base.options import Late
from vidsr.live.schedule.policy.ladder import Ladder
from vidsr.live.schedule.policy.predictor import EXCUSED, Predictor
from vidsr.live.schedule.policy.rules import Rules

GAIN = 1 / 8  # of the means over frames
NEWS = 0.5  # of what was known: as much faster is not the chance of one measurement
SHORTEST_S, LONGEST_S = 0.0005, 2.0  # intervals between frames that are taken as they are
SILENT_INTERVALS, SILENT_S = 4.0, 0.5  # without a frame for both, a stream does not run


@dataclass(frozen=True, kw_only=True)
class Terms:
    """Terms on which a stream takes part.

    Args:
        weight: Its share beside the others'.
        deadline_s: Longest time from a frame's arrival until it is handed on.
        late: What happens where the best level would be late.
        levels: The number of its levels, from best to fastest.
        interval_s: Time between two frames until it has been measured.
        side_by_side: Most frames of the stream in work at once.
        batches: For each level what it may share a batch with: those of an equal key. None for
            levels that run frame by frame.
        reuses: For each level whether it computes only what changed; empty for none.
        kinds: For each level what makes its frames cost the same as those of other streams: of
            equal kinds the cost is learnt together. Empty where that is not known.
    """

    weight: float = 1.0
    deadline_s: float = 0.2
    late: Late = "ladder"
    levels: int = 1
    interval_s: float = 0.04
    side_by_side: int = 1
    batches: tuple[Hashable, ...] = ()
    reuses: tuple[bool, ...] = ()
    kinds: tuple[Hashable, ...] = ()

    def work(self, level: int, share: float) -> float:
        """Return what a level computes of a frame of which ``share`` changed."""
        return share if self.reuses and self.reuses[level] else 1.0

    def batch(self, level: int | None) -> Hashable:
        """Return the key of a level's batches, None where there are none."""
        return self.batches[level] if self.batches and level is not None else None


@dataclass(frozen=True)
class Waiting:
    """A frame that waits for a worker; ``share`` is what changed of it, or is taken for that."""

    arrival: Arrival
    share: float


@dataclass(eq=False)
class Lane:
    """A stream's place in the policy; ``owner`` is whatever its user wants to find there."""

    terms: Terms
    rules: Rules
    owner: Any = None
    ladder: Ladder = field(init=False)
    predictors: tuple[Predictor, ...] = field(init=False)
    costs: tuple[Predictor, ...] = ()
    """Costs of the levels, of all streams of the same kind: less noisy than those of one."""
    waiting: deque[Waiting] = field(default_factory=deque)
    in_work: int = 0
    credit_s: float = 0.0
    interval_s: float = field(init=False)
    usual_share: float = 1.0
    tail_s: float = 0.0
    last_s: float = -math.inf
    gone: bool = False
    trial_left: int = 0
    measured_s: float = -math.inf
    measuring_s: float = 0.0
    """When the level above was measured last beside the frames, and how long that took."""
    barred_since_s: float | None = None
    """Since when every frame was too late to begin with, None where the last one was not."""
    best_known: int = field(init=False)
    """Best level of which times are known, with those below it; ``levels`` for none."""

    def __post_init__(self) -> None:
        self.best_known = self.terms.levels
        self.ladder = Ladder(self.terms.levels, self.rules)
        self.predictors = tuple(Predictor() for _ in range(self.terms.levels))
        self.costs = self.costs or self.predictors
        self.interval_s = self.terms.interval_s

    def came(self, now_s: float) -> None:
        """Learn from an arrival how often frames come."""
        since_s = now_s - self.last_s
        if since_s < SILENT_S:
            gap_s = max(SHORTEST_S, min(LONGEST_S, since_s))
            self.interval_s += GAIN * (gap_s - self.interval_s)
        self.last_s = now_s

    def changed(self, share: float) -> None:
        """Learn how much of a frame has changed.

        In a trial each share counts as it is, but for the first ones.
        """
        if not self.trial_left:
            self.usual_share += GAIN * (share - self.usual_share)
            return
        if self.trial_left <= self.rules.trial_frames - self.rules.trial_blind:
            self.usual_share = share
        self.trial_left -= 1

    def begin_trial(self) -> None:
        """Take the stream for one that stands still, until the next frames show it."""
        self.usual_share, self.trial_left = self.rules.trial_share, self.rules.trial_frames

    def may_try(self, level: int, item: Waiting) -> bool:
        """Return True if ``level`` reuses, nothing tells how much, and a whole frame is in time."""
        reuses = self.terms.reuses
        if not reuses or not reuses[level] or reuses[self.level]:
            return False
        budget_s = self.rules.climb_budget * (self.terms.deadline_s - self.tail_s)
        return self.predictors[level].safe_s(1.0) <= budget_s

    def runs(self, now_s: float) -> bool:
        """Return True if frames come."""
        return now_s - self.last_s < max(SILENT_S, SILENT_INTERVALS * self.interval_s)

    def spent(self, seconds: float) -> None:
        """Learn how long encoding and sending take after the upscaling."""
        self.tail_s += GAIN * (seconds - self.tail_s)

    def due_s(self, item: Waiting) -> float:
        """Return when the upscaling of a frame has to be done."""
        return item.arrival.arrived_s + self.terms.deadline_s - self.tail_s

    @property
    def first_due_s(self) -> float:
        """Time at which the frame that has waited longest has to be done."""
        return self.due_s(self.waiting[0])

    def seed(self, level: int, seconds: float) -> None:
        """Take what a level took when it was warmed."""
        self.predictors[level].seed(seconds)
        if not self.costs[level].known:
            self.costs[level].seed(seconds)
        while self.best_known and self.predictors[self.best_known - 1].known:
            self.best_known -= 1

    @property
    def level(self) -> int:
        """Level that the next frame gets if nothing speaks against it."""
        return max(self.ladder.level, self.best_known)

    @property
    def ready(self) -> bool:
        """True if a frame waits that may be put to work now."""
        known = self.predictors[-1 if self.terms.late == "ladder" else 0].known
        return bool(self.waiting) and known and self.in_work < self.terms.side_by_side

    @property
    def in_use(self) -> Predictor | None:
        """What the level of the next frame costs, None before one is known."""
        return None if self.level == self.terms.levels else self.costs[self.level]

    def cost_s(self, level: int) -> float:
        """Return the mean time of a frame at a level."""
        return self.costs[level].mean_s(self.terms.work(level, self.usual_share))

    def took(self, level: int, seconds: float, work: float) -> None:
        """Learn how long a level has taken."""
        self.predictors[level].add(seconds, work)
        if self.costs[level] is not self.predictors[level]:
            self.costs[level].add(seconds, work)

    def fade(self, level: int) -> None:
        """Take a level that was not used for a little faster; what many share, for less of it."""
        self.predictors[level].fade()
        if self.costs[level] is not self.predictors[level]:
            self.costs[level].fade(1 / max(1, self.costs[level].streams))

    def renew(self, level: int, seconds: float, *, shared: bool) -> None:
        """Take what a level took just now, beside the live frames; ``shared`` for all streams.

        Where that is news, the ladder's patience has had its reason in what is no more.
        """
        if seconds < NEWS * self.predictors[level].mean_s():
            self.ladder.forgive()
        self.predictors[level].renew(seconds)
        if shared and self.costs[level] is not self.predictors[level]:
            self.costs[level].renew(seconds)

    def safe_s(self, level: int, item: Waiting) -> float:
        """Return the time of a frame at a level that few like it exceed."""
        return self.predictors[level].safe_s(self.terms.work(level, item.share))

    def demand(self, level: int) -> float:
        """Return how many workers the stream keeps busy at a level."""
        return self.cost_s(level) / self.interval_s

    def too_late(self, now_s: float) -> None:
        """Learn from a frame that no level would have finished in time.

        Predictions that keep everything from being tried would else never be put right.
        """
        if self.barred_since_s is None:
            self.barred_since_s = now_s
        self.tail_s *= EXCUSED
        for predictor in self.predictors if self.terms.late == "ladder" else self.predictors[:1]:
            predictor.excuse()

    @property
    def last(self) -> int:
        """The fastest level that the stream may have."""
        return self.terms.levels - 1 if self.terms.late == "ladder" else 0

    def probes(self, item: Waiting, now_s: float) -> bool:
        """Return True if a frame is tried against the predictions, as one in a while is.

        A pause of the machine may have taught that nothing is ever in time. The frame begins in
        time, and so is late by less than the time that it takes.
        """
        since_s, ends_s = self.barred_since_s, item.arrival.arrived_s + self.terms.deadline_s
        return since_s is not None and now_s - since_s >= self.rules.probe_s and now_s < ends_s

    def choice(self, item: Waiting, now_s: float) -> int | None:
        """Return the best level from its own downwards that is in time, None where none is."""
        if self.terms.late == "wait":
            return 0
        last = self.terms.levels if self.terms.late == "ladder" else 1
        due_s = self.due_s(item)
        for level in range(self.level if last > 1 else 0, last):
            if now_s + self.safe_s(level, item) <= due_s:
                return level
        return None
