"""Batches of frames of several streams, on devices that do several as fast as one."""

from __future__ import annotations

from collections.abc import Collection, Hashable, Iterable

from vidsr.live.schedule.policy.lane import Lane, Waiting
from vidsr.live.schedule.policy.rules import Rules

Riders = tuple[tuple[Lane, Waiting], ...]


class Batching:
    """Windows in which frames of the same engine, size and level come together.

    A window closes when the batch is full, when nobody who could ride is about to come, when its
    time is over, or when waiting would make the first frame late.
    """

    def __init__(self, rules: Rules) -> None:
        self._rules = rules
        self._opened_s: dict[Hashable, float] = {}

    def gather(
        self,
        first: Lane,
        item: Waiting,
        level: int,
        ready: Iterable[Lane],
        lanes: Iterable[Lane],
        now_s: float,
    ) -> tuple[Riders, int, float | None]:
        """Return the frames of a batch, its size, and when to look again if it is too early."""
        key = first.terms.batch(level)
        if key is None:
            return ((first, item),), 1, None
        riders = self._riders(first, item, level, ready, now_s)
        wake_s = self._wake_s(riders, level, lanes, now_s)
        if wake_s is not None:
            return riders, len(riders), wake_s
        self._opened_s.pop(key, None)
        return riders, self._padded(len(riders)), None

    def _riders(
        self, first: Lane, item: Waiting, level: int, ready: Iterable[Lane], now_s: float
    ) -> Riders:
        """Return the frames that would be upscaled alike, the most urgent ones first."""
        key, riders = first.terms.batch(level), [(first, item)]
        for lane in sorted(ready, key=lambda lane: (lane.credit_s <= 0, lane.first_due_s)):
            if len(riders) == self._rules.batch_sizes[-1]:
                break
            waiting = lane.waiting[0]
            choice = lane.choice(waiting, now_s) if lane is not first else None
            # At the place of its own ladder: nobody goes down in order to ride.
            if choice == lane.level == level and lane.terms.batch(choice) == key:
                riders.append((lane, waiting))
        return tuple(self._in_time(riders, level, now_s))

    def _in_time(
        self, riders: list[tuple[Lane, Waiting]], level: int, now_s: float
    ) -> list[tuple[Lane, Waiting]]:
        """Leave out riders whose company would make one of them late."""
        while len(riders) > 1 and self._ends_s(riders, level, now_s) > _due_s(riders):
            riders = riders[:-1]
        return riders

    def _ends_s(self, riders: Collection[tuple[Lane, Waiting]], level: int, now_s: float) -> float:
        size = self._padded(len(riders))
        return now_s + max(lane.predictors[level].safe_s(float(size)) for lane, _ in riders)

    def _wake_s(
        self, riders: Riders, level: int, lanes: Iterable[Lane], now_s: float
    ) -> float | None:
        """Return until when to wait for one more, None for no longer."""
        first, _ = riders[0]
        key, rules = first.terms.batch(level), self._rules
        if len(riders) == rules.batch_sizes[-1]:
            return None
        opened_s = self._opened_s.setdefault(key, now_s)
        interval_s = min(lane.interval_s for lane, _ in riders)
        closes_s = opened_s + min(rules.batch_wait_s, rules.batch_wait_share * interval_s)
        size = self._padded(len(riders) + 1)
        longest_s = max(lane.predictors[level].safe_s(float(size)) for lane, _ in riders)
        closes_s = min(closes_s, _due_s(riders) - longest_s)
        coming = any(
            lane.terms.batch(level) == key
            and not lane.waiting
            and lane.level == level
            and lane.runs(now_s)
            and now_s <= lane.last_s + lane.interval_s <= closes_s
            for lane in lanes
        )
        return closes_s if coming and closes_s > now_s else None

    def _padded(self, count: int) -> int:
        """Return the smallest size that holds ``count`` frames."""
        return next(size for size in self._rules.batch_sizes if size >= count)


def _due_s(riders: Collection[tuple[Lane, Waiting]]) -> float:
    return min(lane.due_s(item) for lane, item in riders)
