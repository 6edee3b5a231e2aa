"""Runs that begin with OpenVINO, for those who ask for it."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from vidsr.engines.engine import Engine
from vidsr.engines.openvino_int8.engine import OpenVinoEngine, import_openvino
from vidsr.engines.openvino_int8.plain_engine import OpenVinoPlainEngine, is_traceable
from vidsr.models.model import Model
from vidsr.option_values import EngineKind, Precision


@dataclass(frozen=True)
class OpenVinoStarter:
    """Starter of ``OpenVinoEngine``: 8 bits on a CPU, for lite networks with stored steps.

    Networks of other people that are of plain layers run in float32.
    """

    verify_float32: bool = False

    def serves(self, kind: EngineKind, device: torch.device) -> bool:
        """Return True for those who ask for it."""
        return kind == "openvino"

    def check(self, device: torch.device) -> None:
        """Raise DeviceError without OpenVINO."""
        import_openvino()

    def make(self, model: Model, device: torch.device, precision: Precision) -> Engine:
        """Make the engine. Raises OptionError, ModelError, DeviceError."""
        return OpenVinoPlainEngine(model) if is_traceable(model) else OpenVinoEngine(model)
