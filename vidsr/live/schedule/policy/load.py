"""Load of all streams together, and who goes down a level when it is too much."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Literal

from vidsr.live.schedule.policy.lane import Lane
from vidsr.live.schedule.policy.rules import Rules


@dataclass(frozen=True)
class Change:
    """A step of a stream on its ladder."""

    lane: Lane
    direction: Literal["down", "up"]


def total(lanes: Collection[Lane], workers: int, now_s: float) -> float:
    """Return how many workers the streams keep busy at their levels.

    One that has no ladder counts for its fair share at most: more is not given to it anyway, and
    a file that is read as fast as it is upscaled would make all others go down.
    """
    running = [lane for lane in lanes if lane.runs(now_s) and lane.best_known < lane.terms.levels]
    weights = sum(lane.terms.weight for lane in running)
    busy = 0.0
    for lane in running:
        demand = lane.demand(lane.level)
        if lane.terms.late != "ladder":
            demand = min(demand, workers * lane.terms.weight / weights)
        busy += demand
    return busy


def lower(lanes: Collection[Lane], workers: int, rules: Rules, now_s: float) -> list[Change]:
    """Lower levels until the load fits, beginning with the largest demand by weight."""
    changes = []
    movable = [lane for lane in lanes if lane.terms.late == "ladder" and lane.runs(now_s)]
    for lane in movable:
        while can_fall(lane) and lane.demand(lane.level) > rules.full_load * _own(lane, workers):
            changes.append(_fall(lane, now_s))
    busy = total(lanes, workers, now_s)
    while busy > rules.full_load * workers:
        able = [lane for lane in movable if can_fall(lane)]
        if not able:
            break
        lane = max(able, key=lambda lane: lane.demand(lane.level) / lane.terms.weight)
        busy -= lane.demand(lane.level)
        changes.append(_fall(lane, now_s))
        busy += lane.demand(lane.level)
    return changes


def has_room(lane: Lane, level: int, busy: float, workers: int, rules: Rules) -> bool:
    """Return True if a stream may go to ``level`` with workers that are ``busy`` now."""
    demand = lane.demand(level)
    together = busy - lane.demand(lane.level) + demand
    return together <= rules.climb_load * workers and demand <= rules.climb_load * _own(
        lane, workers
    )


def can_fall(lane: Lane) -> bool:
    """Return True if the stream has a faster level of which times are known."""
    return lane.best_known <= lane.level < lane.terms.levels - 1


def _own(lane: Lane, workers: int) -> int:
    """Return how many workers a stream alone can use."""
    return min(workers, lane.terms.side_by_side)


def _fall(lane: Lane, now_s: float) -> Change:
    lane.ladder.fall(lane.level + 1, now_s)
    return Change(lane, "down")
