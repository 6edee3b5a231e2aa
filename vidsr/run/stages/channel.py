"""The queue between two stages: bounded, closed from either end, with a rule when it is full."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Generic, Literal, TypeVar

T = TypeVar("T")
WhenFull = Literal["wait", "drop_oldest", "drop_newest"]


class Cancelled(Exception):
    """Raised inside a stage when another one has ended the run."""


def _one(_: Any) -> int:
    return 1


def keep(_: Any) -> None:
    """Do nothing with an item that is dropped."""


@dataclass(frozen=True)
class QueueRule:
    """The rule of one queue.

    Args:
        name: What it is called in reports.
        capacity: The most that waits in it: a sum of weights.
        when_full: Whether the one who puts waits, or an item is dropped: the one that has waited
            longest, or the one that comes.
        weigh: A function from an item to its weight; weightless ones are bounded by count alone,
            so that a burst of audio packets does not stand in the way of frames.
        dropped: What is called with each item that is dropped, to give its planes back.
    """

    name: str
    capacity: int = 2
    when_full: WhenFull = "wait"
    weigh: Callable[[Any], int] = _one
    dropped: Callable[[Any], None] = keep


@dataclass
class QueueCounts:
    """Counts of a queue: items that have a weight, and those of them that were dropped.

    Args:
        put: Frames that were put in.
        dropped: Frames that a full queue dropped.
        most: The most frames that waited at once.
    """

    put: int = 0
    dropped: int = 0
    most: int = 0

    def merge(self, other: QueueCounts) -> None:
        """Add the counts of the same queue in another run."""
        self.put += other.put
        self.dropped += other.dropped
        self.most = max(self.most, other.most)


class Channel(Generic[T]):
    """A bounded queue that can be closed from either end, used by one thread at each."""

    LIGHT_ITEMS = 4096

    def __init__(self, rule: QueueRule) -> None:
        self.rule, self.counts = rule, QueueCounts()
        self._items: deque[T] = deque()
        self._weight = 0
        self._finished = self._cancelled = False
        self._changed = threading.Condition()

    def put(self, item: T) -> None:
        """Put an item, by the queue's rule where there is no room. Raises Cancelled.

        Only items that have a weight are ever dropped; the others wait for room under any rule.
        """
        weight = self.rule.weigh(item)
        with self._changed:
            if self.rule.when_full == "wait" or not weight:
                self._changed.wait_for(lambda: self._cancelled or self._has_room(weight))
            if self._cancelled:
                raise Cancelled
            gone = self._make_room(weight)
            if self._has_room(weight):
                self._append(item, weight)
            else:
                gone.append(item)
            self.counts.put += weight > 0
            self.counts.dropped += len(gone)
        for one in gone:  # somebody else's code: not while the queue is held
            self.rule.dropped(one)

    def _append(self, item: T, weight: int) -> None:
        self._items.append(item)
        self._weight += weight
        self.counts.most = max(self.counts.most, self._weight)
        self._changed.notify_all()

    def _make_room(self, weight: int) -> list[T]:
        """Take out what has waited longest, where that is the rule, and return it."""
        gone: list[T] = []
        while self.rule.when_full == "drop_oldest" and not self._has_room(weight):
            heavy = (i for i, one in enumerate(self._items) if self.rule.weigh(one))
            if (oldest := next(heavy, None)) is None:  # full of weightless ones
                break
            gone.append(self._items[oldest])
            self._weight -= self.rule.weigh(gone[-1])
            del self._items[oldest]
        return gone

    def _has_room(self, weight: int) -> bool:
        full = weight > 0 and self._weight + weight > self.rule.capacity and self._weight > 0
        return not full and len(self._items) < self.LIGHT_ITEMS

    def finish(self) -> None:
        """End the queue: nothing more will be put."""
        with self._changed:
            self._finished = True
            self._changed.notify_all()

    def cancel(self) -> None:
        """Wake everybody; every further call raises Cancelled."""
        with self._changed:
            self._cancelled = True
            self._items.clear()
            self._changed.notify_all()

    def __iter__(self) -> Iterator[T]:
        """Yield items until ``finish``. Raises Cancelled."""
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._cancelled or self._items or self._finished)
                if self._cancelled:
                    raise Cancelled
                if not self._items:
                    return
                item = self._items.popleft()
                self._weight -= self.rule.weigh(item)
                self._changed.notify_all()
            yield item
