"""Device on paper: work waits in queues and is done in an order that a random source chooses.

Only what was promised holds: a queue keeps its order, an awaited event comes first, and what the
host synchronises with is done. Everything else is left to chance, so that code which relies on
more is caught by wrong pictures.
"""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import get_args

import torch
from torch import Tensor

from vidsr.errors import DeviceError
from vidsr.upscaling.device_ring import Queue


@dataclass(eq=False)
class Event:
    done: bool = False


@dataclass(eq=False)
class Step:
    work: Callable[[], None] = lambda: None
    after: Event | None = None
    event: Event | None = None


@dataclass
class FakeDevice:
    """Device; ``eager`` is how much waiting work is done each time the host turns to it."""

    chance: random.Random
    eager: float = 0.5
    fails_at: int | None = None
    steps_done: int = 0
    waits: int = 0
    allocated: int = 0
    queues: dict[str, deque[Step]] = field(
        default_factory=lambda: {name: deque() for name in get_args(Queue)}
    )
    broken: bool = False

    def host(self, shape: tuple[int, int], dtype: torch.dtype) -> Tensor:
        self.allocated += 1
        return torch.full(shape, 77, dtype=torch.int32).to(dtype)

    memory = host

    def submit(self, queue: Queue, work: Callable[[], None]) -> None:
        self._append(queue, Step(work))

    def copy(self, target: Tensor, source: Tensor) -> None:
        target.copy_(source)

    def record(self, queue: Queue) -> Event:
        event = Event()
        self._append(queue, Step(event=event))
        return event

    def await_event(self, queue: Queue, event: Event) -> None:
        self._append(queue, Step(after=event))

    def done(self, event: Event) -> bool:
        self._advance()
        return event.done

    def synchronize(self, event: Event) -> None:
        self.waits += not event.done
        while not event.done:
            if self.broken or not self._step():
                raise DeviceError("the fake device failed")

    def _append(self, queue: Queue, step: Step) -> None:
        self.queues[queue].append(step)
        self._advance()

    def _advance(self) -> None:
        while self.chance.random() < self.eager and self._step():
            pass

    def _step(self) -> bool:
        """Do one step of any queue whose head may be done."""
        able = [q for q in self.queues.values() if q and (not q[0].after or q[0].after.done)]
        if self.broken or not able:
            return False
        step = self.chance.choice(able).popleft()
        if self.steps_done == self.fails_at:
            self.broken = True
            return False
        self.steps_done += 1
        step.work()
        if step.event is not None:
            step.event.done = True
        return True
