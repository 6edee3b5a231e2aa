"""A runtime of its own whose engine sees the whole picture: tiles of it cannot be exact."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from tests.doubles.stub_engine import StubEngine
from vidsr.engines.engine import Engine
from vidsr.models.model import Model
from vidsr.option_values import EngineKind, Precision


@dataclass
class BoundlessEngine(StubEngine):
    """Repeats every sample, moved a quarter of the way towards the mean of what it sees."""

    name: str = "boundless"
    dtype: torch.dtype = torch.float32
    halo: int | None = None
    runtime: str = "fake boundless"

    def run(self, x: Tensor) -> Tensor:
        return super().run(x + (x.mean(dim=(2, 3), keepdim=True) - x) / 4)


@dataclass(frozen=True)
class BoundlessStarter:
    """The starter of the runtime: the one line in ``STARTERS`` that it takes."""

    verify_float32: bool = False

    def serves(self, kind: EngineKind, device: torch.device) -> bool:
        return kind == "auto"

    def check(self, device: torch.device) -> None:
        """Nothing is missing."""

    def make(self, model: Model, device: torch.device, precision: Precision) -> Engine:
        return BoundlessEngine(channels=model.config.channels, scale=model.scale)
