"""Marks in a frame's way through the transform: where the network begins and ends."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any, cast

import torch
from torch import Tensor

from vidsr.engines.engine import Engine


@dataclass(frozen=True)
class Mark:
    """Moment on the clock, and in CPU time of all threads of the process."""

    wall_s: float
    cpu_s: float

    def __sub__(self, earlier: Mark) -> Mark:
        return Mark(self.wall_s - earlier.wall_s, self.cpu_s - earlier.cpu_s)


def now(device: torch.device) -> Mark:
    """Return the moment, on CUDA after all that was queued is done."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return Mark(time.perf_counter(), time.process_time())


class MarkedEngine:
    """Engine that notes when its first run of a frame begins and its last one ends.

    So the three parts are told apart as they are in use, each with the caches as the one before
    left them, and whatever converts colour beside the network. Cutting into tiles counts as part
    of the network.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._begin: Mark | None = None
        self._end: Mark | None = None
        self.bytes_in = self.bytes_out = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._engine, name)

    def restart(self) -> Engine:
        """Forget the frame before. Returns itself, typed as the engine that it behaves like."""
        self._begin, self.bytes_in, self.bytes_out = None, 0, 0
        return cast(Engine, self)

    def reached(self) -> tuple[Mark, Mark]:
        """Return the moments before the first run and after the last one since ``restart``."""
        if self._begin is None or self._end is None:
            raise RuntimeError(f"{self._engine.name}: no run since restart()")
        return self._begin, self._end

    def run(self, x: Tensor) -> Tensor:
        self._begin = self._begin or now(self._engine.device)
        y = self._engine.run(x)
        self._end = now(self._engine.device)
        self.bytes_in += x.nbytes
        self.bytes_out += y.nbytes
        return y
