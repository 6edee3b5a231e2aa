"""A stateful engine whose output depends on the frame before, and what makes it begin a run."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import torch
from torch import Tensor

from tests.doubles.stub_engine import StubEngine
from vidsr.engines.engine import Engine, EngineTraits
from vidsr.models.model import Model
from vidsr.option_values import EngineKind, Precision


@dataclass
class StatefulStub(StubEngine):
    """Gives half of the present frame and half of the one before; the first frame alone."""

    name: str = "recurrent"
    dtype: torch.dtype = torch.float32
    runtime: str = "fake recurrent"

    @property
    def traits(self) -> EngineTraits:
        return replace(super().traits, stateful=True)

    def initial_state(self) -> Tensor | None:
        return None

    def step(self, x: Tensor, state: Tensor | None) -> tuple[Tensor, Tensor]:
        return self.run(x if state is None else (x + state) / 2), x.clone()


@dataclass(frozen=True)
class StatefulStarter:
    """A starter that gives one stub engine to every run, whatever it asks for."""

    engine: StubEngine = field(default_factory=StatefulStub)
    verify_float32: bool = False

    def serves(self, kind: EngineKind, device: torch.device) -> bool:
        return True

    def check(self, device: torch.device) -> None:
        """Nothing is missing."""

    def make(self, model: Model, device: torch.device, precision: Precision) -> Engine:
        return self.engine
