"""The clock of one stage: how long it works, and how long each item is in it."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from vidsr.run.stages.histogram import Histogram

MOST_INSIDE = 1024  # items inside a stage; of those beyond, the oldest are not timed


@dataclass
class StageMeasure:
    """The seconds a stage was at work, and the latency of each item that has a weight.

    An item's latency is the time from when the stage took it to when it gave its result, waiting
    inside included. In a first stage, which takes nothing, it is the work since the one before.
    """

    busy_s: float = 0.0
    latency: Histogram = field(default_factory=Histogram)


class StageClock:
    """An iterator over the items that a stage takes, which notes when and how long it waited."""

    def __init__(
        self, items: Iterable[Any], weigh: Callable[[Any], int], measure: StageMeasure
    ) -> None:
        self.measure, self.waited_s = measure, 0.0
        self._iterator, self._weigh = iter(items), weigh
        self._taken_s: deque[float] = deque(maxlen=MOST_INSIDE)

    def __iter__(self) -> Iterator[Any]:
        return self

    def __next__(self) -> Any:
        begin_s = time.perf_counter()
        try:
            item = next(self._iterator)
        finally:
            now_s = time.perf_counter()
            self.waited_s += now_s - begin_s
        if self._weigh(item):
            self._taken_s.append(now_s)
        return item

    def timed(self, results: Iterator[Any], weigh: Callable[[Any], int]) -> TimedResults:
        """Return ``results`` of the stage, timed as they come."""
        return TimedResults(self, results, weigh)

    def given(self, work_s: float) -> None:
        """Note that an item has come out, ``work_s`` of work after the one before."""
        now_s = time.perf_counter()
        inside_s = now_s - self._taken_s.popleft() if self._taken_s else work_s
        self.measure.latency.add(1e3 * inside_s)


class TimedResults:
    """An iterator over the results of a stage, which notes how long each took."""

    def __init__(
        self, clock: StageClock, results: Iterator[Any], weigh: Callable[[Any], int]
    ) -> None:
        self._clock, self._iterator, self._weigh = clock, results, weigh
        self._work_s = 0.0

    def __iter__(self) -> Iterator[Any]:
        return self

    def __next__(self) -> Any:
        begin_s, waited_s = time.perf_counter(), self._clock.waited_s
        try:
            result = next(self._iterator)
        finally:
            work_s = time.perf_counter() - begin_s - (self._clock.waited_s - waited_s)
            self._clock.measure.busy_s += work_s
            self._work_s += work_s
        if self._weigh(result):
            self._clock.given(self._work_s)
            self._work_s = 0.0
        return result

    def close(self) -> None:
        """Close a generator, so that it cleans up now and in this thread."""
        if isinstance(self._iterator, Generator):
            self._iterator.close()
