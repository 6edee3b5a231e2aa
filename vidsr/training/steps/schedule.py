"""Progress of a run, and the learning rate that goes with it."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass

from vidsr.training.options import Options

STEPS_DOWN = (0.5, 0.75, 0.9)
"""Shares of a run after each of which the ``step`` schedule halves the rate."""
WARMUP_SHARE = 0.05


@dataclass
class Clock:
    """Steps done and seconds spent; a resumed run counts both from where it stood."""

    steps: int | None
    minutes: float | None
    step: int = 0
    seconds: float = 0.0
    _mark: float | None = None

    def start(self) -> None:
        self._mark = time.monotonic()

    def tick(self) -> None:
        """Count one step more."""
        assert self._mark is not None
        now = time.monotonic()
        self.seconds, self._mark, self.step = self.seconds + now - self._mark, now, self.step + 1

    def pause(self) -> None:
        """Stop counting seconds until ``start``: what happens meanwhile is no training."""
        self._mark = None

    @property
    def progress(self) -> float:
        """Return the share of the run that is done, 0 to 1."""
        if self.steps is not None:
            return min(1.0, self.step / self.steps)
        assert self.minutes is not None
        return min(1.0, self.seconds / (60 * self.minutes)) if self.minutes else 1.0

    @property
    def left_s(self) -> float | None:
        """Seconds of learning still to come; None before the first step of a run of steps."""
        if self.minutes is not None:
            return max(0.0, 60 * self.minutes - self.seconds)
        if self.steps is None or not self.step:
            return None
        return max(0, self.steps - self.step) * self.seconds / self.step


def learning_rate(options: Options, clock: Clock) -> float:
    """Return the rate of the next step: linear warm-up, then the schedule of ``options``.

    The warm-up ends after ``options.warmup`` steps, in a short run after a twentieth of it.
    """
    warm = (clock.step + 1) / options.warmup if options.warmup else 1.0
    warm = min(1.0, max(warm, clock.progress / WARMUP_SHARE))
    return options.rate * warm * _shape(options.schedule, clock.progress)


def _shape(kind: str, progress: float) -> float:
    if kind == "cosine":
        return 0.5 * (1 + math.cos(math.pi * progress))
    if kind == "step":
        return 0.5 ** sum(progress >= share for share in STEPS_DOWN)
    return 1.0
