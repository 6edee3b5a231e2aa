"""Crews: those who make a job's pieces, on this machine or on a cluster."""

from __future__ import annotations

import contextlib
import queue
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from vidsr.clusters.child import Child, HeardQueue
from vidsr.clusters.messages import Assignment, Event, WorkOrder
from vidsr.errors import DeviceError

LOCAL = "vidsr.clusters.local_worker"
MOST_STARTS = 4  # of one worker that ends before it has made anything


class Crew(Protocol):
    """The protocol of those who make pieces."""

    @property
    def idle(self) -> int:
        """The workers that have nothing to do."""
        ...

    def send(self, given: Assignment) -> None:
        """Give a piece to an idle worker."""
        ...

    def events(self, wait_s: float) -> list[Event]:
        """Return what happened, after waiting for something."""
        ...

    def close(self) -> None:
        """End all workers, and what they are at. May be called twice."""
        ...


class LocalCrew:
    """Workers in processes of their own on this machine.

    Args:
        orders: The order of each.
    """

    def __init__(self, orders: Sequence[WorkOrder]) -> None:
        self._heard = HeardQueue()
        self._orders, self._starts = orders, [0] * len(orders)
        self._numbers: dict[Child, int] = {}
        self._pieces: dict[Child, Assignment | None] = {}
        for number in range(len(orders)):
            self._start(number)

    def _start(self, number: int) -> None:
        order = self._orders[number]
        threads = {} if order.threads is None else {"OMP_NUM_THREADS": str(order.threads)}
        child = Child(LOCAL, order.to_json(), self._heard, threads)
        self._numbers[child] = number
        self._starts[number] += 1

    @property
    def pids(self) -> list[int]:
        """The numbers of the processes."""
        return [child.pid for child in self._numbers]

    @property
    def idle(self) -> int:
        """The workers that have nothing to do."""
        return sum(given is None for given in self._pieces.values())

    def send(self, given: Assignment) -> None:
        """Give a piece to an idle worker."""
        child = next(child for child, at_work in self._pieces.items() if at_work is None)
        self._pieces[child] = given
        child.send(given)

    def events(self, wait_s: float) -> list[Event]:
        """Return what happened, after waiting for something."""
        events = []
        with contextlib.suppress(queue.Empty):
            heard = self._heard.get(timeout=wait_s)
            while True:
                events += self._take(*heard)
                heard = self._heard.get_nowait()
        return events

    def _take(self, child: Child, event: Event | None) -> list[Event]:
        if child not in self._numbers:
            return []
        if event is None:
            return self._ended(child)
        if event.kind == "room" or event.kind in ("made", "held", "failed"):
            self._pieces[child] = None
        if event.kind == "made":
            self._starts[self._numbers[child]] = 0
        return [event]

    def _ended(self, child: Child) -> list[Event]:
        """Start another in the place of one that ended without a word."""
        number, given = self._numbers.pop(child), self._pieces.pop(child, None)
        child.end()
        if self._starts[number] >= MOST_STARTS:
            message = f"a worker on this machine ended {MOST_STARTS} times without a word"
            return [Event("broken", error=DeviceError.__name__, message=message)]
        self._start(number)
        return [] if given is None else [Event("lost", given.piece)]

    def close(self) -> None:
        """End all workers, and what they are at. May be called twice."""
        children = list(self._numbers)
        self._numbers, self._pieces = {}, {}
        for child in children:
            child.ask_to_end()
        for child in children:
            child.end(patience_s=0.5)


class EngineCrew:
    """The workers of a cluster, by a program that speaks to it.

    The program is a process of its own: libraries of clusters end theirs where the head is gone,
    print at length, and take signals over.

    Args:
        module: The program.
        argument: What it is started with.
        name: The cluster, for messages.
    """

    def __init__(self, module: str, argument: str, name: str) -> None:
        self._heard = HeardQueue()
        with tempfile.NamedTemporaryFile("wb", suffix=".log", prefix="vidsr-", delete=False) as log:
            self._log = Path(log.name)
            self._child = Child(module, argument, self._heard, log=log)
        self._name, self._workers, self._at_work = name, 0, 0
        self._over = False

    @property
    def workers(self) -> int:
        """The workers that there are."""
        return self._workers

    @property
    def idle(self) -> int:
        """The workers that have nothing to do."""
        return max(0, self._workers - self._at_work)

    def send(self, given: Assignment) -> None:
        """Give a piece to an idle worker."""
        self._at_work += 1
        self._child.send(given)

    def events(self, wait_s: float) -> list[Event]:
        """Return what happened, after waiting for something."""
        events = []
        with contextlib.suppress(queue.Empty):
            heard = self._heard.get(timeout=wait_s)
            while True:
                events.append(self._take(heard[1]))
                heard = self._heard.get_nowait()
        return events

    def _take(self, event: Event | None) -> Event:
        if event is None:
            return self._gone()
        if event.kind == "room":
            self._workers = event.count
        elif event.kind in ("made", "held", "failed", "lost"):
            self._at_work -= 1
        return event

    def _gone(self) -> Event:
        """Return the end of a program that was not asked to end."""
        message = f"{self._name}: the head is gone, or the program that speaks to it"
        hint = f"its last words are in {self._log}."
        self._over = True
        return Event("broken", error=DeviceError.__name__, message=message, hint=hint)

    def close(self) -> None:
        """End all workers, and what they are at. May be called twice."""
        self._child.end(patience_s=0.1 if self._over else 10.0)
        if not self._over:
            self._log.unlink(missing_ok=True)
