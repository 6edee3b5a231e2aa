"""Batches of frames of several streams, on devices that do several as fast as one."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass

from vidsr.live.schedule.policy.lane import Lane, Waiting
from vidsr.live.schedule.policy.rules import Rules


@dataclass(frozen=True, eq=False)
class Rider:
    """A frame of a job, and the place of the job's level among those of its stream."""

    lane: Lane
    item: Waiting
    level: int

    def safe_s(self, size: int) -> float:
        """Return the time that few batches of ``size`` frames exceed."""
        return self.lane.predictors[self.level].safe_s(float(size))


class Batching:
    """Windows in which frames of the same engine, size and level come together.

    A window closes when the batch is full, when nobody who could ride is about to come, when its
    time is over, or when waiting would make the first frame late.
    """

    def __init__(self, rules: Rules) -> None:
        self._rules = rules
        self._opened_s: dict[Hashable, float] = {}

    def gather(
        self, first: Rider, ready: Iterable[Lane], lanes: Iterable[Lane], now_s: float
    ) -> tuple[list[Rider], int, float | None]:
        """Return the frames of a batch, its size, and when to look again if it is too early.

        Args:
            first: The frame whose turn it is.
            ready: Lanes with a frame that may be put to work.
            lanes: All lanes.
            now_s: Time of now.
        """
        key = first.lane.terms.batch(first.level)
        if key is None:
            return [first], 1, None
        riders = self._riders(first, key, ready, now_s)
        wake_s = self._wake_s(riders, key, lanes, now_s)
        if wake_s is None:
            self._opened_s.pop(key, None)
        return riders, self._padded(len(riders)), wake_s

    def _riders(
        self, first: Rider, key: Hashable, ready: Iterable[Lane], now_s: float
    ) -> list[Rider]:
        """Return the frames that would be upscaled alike, the most urgent ones first."""
        riders = [first]
        for lane in sorted(ready, key=lambda lane: (lane.credit_s <= 0, lane.first_due_s)):
            if len(riders) == self._rules.batch_sizes[-1]:
                break
            item = lane.waiting[0]
            level = lane.choice(item, now_s)
            # Each at the place of its own ladder: nobody goes down in order to ride.
            if lane is first.lane or level != lane.level or lane.terms.batch(level) != key:
                continue
            riders.append(Rider(lane, item, level))
        while len(riders) > 1 and not self._in_time(riders, now_s):
            riders.pop()
        return riders

    def _in_time(self, riders: Sequence[Rider], now_s: float) -> bool:
        """Return True if company makes nobody late."""
        return now_s + self._longest_s(riders, len(riders)) <= _due_s(riders)

    def _longest_s(self, riders: Sequence[Rider], count: int) -> float:
        size = self._padded(count)
        return max(rider.safe_s(size) for rider in riders)

    def _wake_s(
        self, riders: Sequence[Rider], key: Hashable, lanes: Iterable[Lane], now_s: float
    ) -> float | None:
        """Return until when to wait for one more, None for no longer."""
        rules = self._rules
        if len(riders) == rules.batch_sizes[-1]:
            return None
        opened_s = self._opened_s.setdefault(key, now_s)
        interval_s = min(rider.lane.interval_s for rider in riders)
        closes_s = opened_s + min(rules.batch_wait_s, rules.batch_wait_share * interval_s)
        closes_s = min(closes_s, _due_s(riders) - self._longest_s(riders, len(riders) + 1))
        if closes_s <= now_s:
            return None
        coming = any(_comes(lane, key, now_s, closes_s) for lane in lanes)
        return closes_s if coming else None

    def _padded(self, count: int) -> int:
        """Return the smallest size that holds ``count`` frames."""
        return next(size for size in self._rules.batch_sizes if size >= count)


def _comes(lane: Lane, key: Hashable, now_s: float, until_s: float) -> bool:
    """Return True if a frame that could ride is expected: not of a stream that stands."""
    if lane.waiting or lane.level == lane.terms.levels or lane.terms.batch(lane.level) != key:
        return False
    return lane.runs(now_s) and now_s <= lane.last_s + lane.interval_s <= until_s


def _due_s(riders: Sequence[Rider]) -> float:
    return min(rider.lane.due_s(rider.item) for rider in riders)
