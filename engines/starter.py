"""The protocol of what makes the engine that a run begins with."""

from __future__ import annotations

from typing import Protocol

import torch

from vidsr.engines.engine import Engine
from vidsr.models.model import Model
from vidsr.option_values import EngineKind, Precision


class Starter(Protocol):
    """Maker of engines of one runtime that are there at once.

    ``verify_float32``  True where even float32 has to be compared with PyTorch before it is
                        trusted
    """

    @property
    def verify_float32(self) -> bool: ...

    def serves(self, kind: EngineKind, device: torch.device) -> bool:
        """Return True if a run that asks for ``kind`` begins with this runtime on the device."""
        ...

    def check(self, device: torch.device) -> None:
        """Raise DeviceError for what is absent or does not work on the device."""
        ...

    def make(self, model: Model, device: torch.device, precision: Precision) -> Engine:
        """Make the engine. Raises OptionError, ModelError, DeviceError."""
        ...
