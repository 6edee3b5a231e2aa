"""What a round of one stage gives, and what stages are measured with."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import torch

from vidsr.bench.clip import bounce
from vidsr.bench.rounds.engine_marks import Mark
from vidsr.bench.worker_task import Task
from vidsr.picture.frame import Frame
from vidsr.run.job import Job


@dataclass
class Samples:
    """Wall milliseconds of frames, seconds of all of them, and the least there is to do.

    ``work`` is FLOP or bytes a frame, ``ceiling`` names what bounds it (None: nothing known does),
    ``none`` says why there is no such stage, ``together`` how many frames are on their way at
    once: a rate is that much more than the time of a frame tells.
    """

    ms: list[float] = field(default_factory=list)
    wall_s: float = 0.0
    cpu_s: float = 0.0
    work: float = 0.0
    ceiling: str | None = None
    none: str | None = None
    together: int = 1

    def add(self, spent: Mark) -> None:
        """One frame more."""
        self.ms.append(1e3 * spent.wall_s)
        self.add_rest(spent)

    def add_rest(self, spent: Mark) -> None:
        """Time that belongs to all frames alike, such as an encoder's last words."""
        self.wall_s += spent.wall_s
        self.cpu_s += spent.cpu_s


@dataclass
class Bench:
    """A job, its frames on the host, and large ones for the encoder."""

    task: Task
    job: Job
    frames: list[Frame]
    large: list[Frame] = field(default_factory=list)

    @property
    def device(self) -> torch.device:
        return self.job.upscaler.engine.device

    def inputs(self) -> Iterator[Frame]:
        """Return as many frames as were asked for, in an order that is motion."""
        return (self.frames[i] for i in bounce(self.task.frames, len(self.frames)))

    def outputs(self) -> Iterator[Frame]:
        """Return as many large frames, in the same order."""
        return (self.large[i] for i in bounce(self.task.frames, len(self.large)))
