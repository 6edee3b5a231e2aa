"""Local learning of one client: some steps on its own footage, from the weights it was sent."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from vidsr.models.zoo import load_model
from vidsr.training.data.crop_pool import CropPool, TrainingPair
from vidsr.training.data.pairs import prepare
from vidsr.training.networks.student import Student, adopt, build_student
from vidsr.training.options import Options, preset
from vidsr.training.steps.fidelity import Fidelity
from vidsr.training.steps.schedule import Clock, learning_rate

CPU = torch.device("cpu")
Arrays = list[NDArray[np.float32]]


@dataclass(frozen=True)
class Plan:
    """What all agree on. The server sends it with the weights; a client adds its footage."""

    rounds: int = 8
    steps: int = 100  # of each client in each round
    scale: int = 4
    width: int = 32
    blocks: int = 7
    middle: int = 128
    batch: int = 16
    crop: int = 32
    rate: float = 1e-3

    @classmethod
    def of(cls, message: Mapping[str, Any]) -> Plan:
        """Read the plan in a message, which may hold more."""
        return cls(**{name: message[name] for name in cls.__dataclass_fields__})

    def options(self, data: Path, seed: int = 0) -> Options:
        """Return the options of ``vidsr-train`` for all rounds, on one client's footage."""
        own = {k: v for k, v in asdict(self).items() if k not in ("rounds", "steps")}
        steps = self.rounds * self.steps
        return preset("lite", data=str(data), steps=steps, seed=seed, **own)


def student_of(options: Options, init: str | None = None) -> Student:
    """Return the network that learns, with fresh weights or those of the model ``init``."""
    student = build_student(options.config(), seed=options.seed, middle=options.middle)
    if init is not None:
        adopt(student, options.config(), load_model(init).module)
    return student


def arrays_of(student: Student) -> Arrays:
    """Return what travels: every tensor that learns, in order."""
    return [p.detach().numpy().copy() for p in student.parameters() if p.requires_grad]


@torch.no_grad()
def fill(student: Student, arrays: Arrays) -> None:
    """Set every tensor that learns to what has arrived."""
    learned = [p for p in student.parameters() if p.requires_grad]
    for parameter, array in zip(learned, arrays, strict=True):
        parameter.copy_(torch.from_numpy(np.array(array)))


def pairs_of(options: Options) -> list[TrainingPair]:
    """Return what a client learns from; it stays in its memory."""
    return prepare(options, threads=1, colour=False, hold_back=0).pairs


class Local:
    """Footage and optimiser of one client; neither leaves it."""

    def __init__(self, pool: CropPool, options: Options, plan: Plan) -> None:
        self.plan, self.options, self._pool = plan, options, pool
        self._student = student_of(options)
        self._learner = Fidelity(self._student, options, CPU)

    @classmethod
    def of(cls, data: Path, plan: Plan, seed: int = 0) -> Local:
        """Read and shrink the footage of a client, as ``vidsr-train`` does."""
        options = plan.options(data, seed)
        return cls(CropPool(pairs_of(options), scale=plan.scale, crop=plan.crop), options, plan)

    @property
    def samples(self) -> int:
        """Return how many pairs this client learns from: its weight in the average."""
        return self._pool.count

    def learn(self, arrays: Arrays, finished_rounds: int) -> tuple[Arrays, float]:
        """Learn one round from ``arrays``; return the new ones and the mean loss.

        The rate follows one schedule over all rounds. Adam's moments stay from round to round.
        """
        options, total = self.options, 0.0
        clock = Clock(options.steps, None, step=finished_rounds * self.plan.steps)
        fill(self._student, arrays)
        clock.start()
        for _ in range(self.plan.steps):
            self._learner.set_rate(learning_rate(options, clock))
            low, high = self._pool.cut(self._pool.draw(options.batch, options.seed, clock.step))
            total += float(self._learner.learn(low, high, clock.step)["loss"])
            clock.tick()
        return arrays_of(self._student), total / self.plan.steps
