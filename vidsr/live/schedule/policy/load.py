"""Load of all streams together, and who goes down a level when it is too much."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Literal

from vidsr.live.schedule.policy.lane import Lane
from vidsr.live.schedule.policy.rules import Rules


@dataclass(frozen=True)
class Change:
    """A step of a stream on its ladder."""

    lane: Lane
    direction: Literal["down", "up"]


@dataclass(frozen=True)
class Load:
    """Load of the workers at one moment, as predicted.

    Args:
        busy: Workers that the streams keep busy at their levels.
        weights: Sum of the weights of the streams that run.
        workers: Number of workers.
        running: Streams that run.
    """

    busy: float
    weights: float
    workers: int
    running: frozenset[Lane]

    def fair(self, lane: Lane) -> float:
        """Return a stream's fair share of the workers."""
        weights = self.weights + (0.0 if lane in self.running else lane.terms.weight)
        return self.workers * lane.terms.weight / weights

    def has_room(self, lane: Lane, level: int, rules: Rules) -> bool:
        """Return True if a stream may go up to ``level``: within its fair share, or what is idle.

        Those who have more than their shares then go down: see ``lower``.
        """
        demand = lane.demand(level)
        present = lane.demand(lane.level) if lane in self.running else 0.0
        idle = rules.climb_load * self.workers - (self.busy - present)
        alone = rules.climb_load * min(self.workers, lane.terms.side_by_side)
        return demand <= alone and demand <= max(idle, rules.climb_load * self.fair(lane))

    def moved(self, lane: Lane, old: int, new: int) -> Load:
        """Return the load after a step of a stream that runs."""
        return replace(self, busy=self.busy + lane.demand(new) - lane.demand(old))


def of(lanes: Collection[Lane], workers: int, now_s: float) -> Load:
    """Return the load of all streams.

    One that has no ladder counts for its fair share at most: more is not given to it anyway, and
    a file that is read as fast as it is upscaled would make all others go down.
    """
    running = [lane for lane in lanes if lane.runs(now_s) and lane.best_known < lane.terms.levels]
    load = Load(0.0, sum(lane.terms.weight for lane in running), workers, frozenset(running))
    busy = 0.0
    for lane in running:
        demand = lane.demand(lane.level)
        busy += demand if lane.terms.late == "ladder" else min(demand, load.fair(lane))
    return replace(load, busy=busy)


def lower(lanes: Collection[Lane], workers: int, rules: Rules, now_s: float) -> list[Change]:
    """Lower levels until the load fits, beginning with the largest demand by weight."""
    changes = []
    movable = [lane for lane in lanes if lane.terms.late == "ladder" and lane.runs(now_s)]
    movable = [lane for lane in movable if not lane.trial_left]  # one at most, for a few frames
    for lane in movable:
        alone = min(workers, lane.terms.side_by_side)
        while can_fall(lane) and lane.demand(lane.level) > rules.full_load * alone:
            changes.append(_fall(lane, now_s))
    busy = of(lanes, workers, now_s).busy
    while busy > rules.full_load * workers:
        able = [lane for lane in movable if can_fall(lane)]
        if not able:
            break
        lane = max(able, key=lambda lane: lane.demand(lane.level) / lane.terms.weight)
        busy -= lane.demand(lane.level)
        changes.append(_fall(lane, now_s))
        busy += lane.demand(lane.level)
    return changes


def can_fall(lane: Lane) -> bool:
    """Return True if the stream has a faster level of which times are known."""
    return lane.best_known <= lane.level < lane.terms.levels - 1


def _fall(lane: Lane, now_s: float) -> Change:
    lane.trial_left = 0
    lane.ladder.fall(lane.level + 1, now_s)
    return Change(lane, "down")
