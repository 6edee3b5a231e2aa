"""Engines whose results are known, for tests of what is around an engine."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

CPU = torch.device("cpu")


@dataclass
class StubEngine:
    """Engine that repeats every sample ``scale`` times each way, then ``change``s the result."""

    name: str = "stub"
    channels: int = 1
    scale: int = 2
    halo: int = 0
    alignment: int = 1
    dtype: torch.dtype = torch.float16
    input_dtype: torch.dtype = torch.float32
    offset: float = 0.0
    device: torch.device = CPU
    bytes_per_pixel: int = 64
    change: Callable[[Tensor], Tensor] = lambda y: y
    runs: int = 0

    @property
    def shuffle(self) -> int:
        return self.scale

    def run(self, x: Tensor) -> Tensor:
        self.runs += 1
        assert x.dtype == self.input_dtype
        y = x.repeat_interleave(self.shuffle**2, dim=1) - self.offset
        return self.change(y)
