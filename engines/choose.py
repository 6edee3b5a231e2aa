"""Which engine begins on a device."""

from __future__ import annotations

from collections.abc import Callable

import torch

from vidsr.engines.devices import Precision
from vidsr.engines.engine import Engine
from vidsr.engines.graphed import GraphedEngine
from vidsr.engines.switch import EngineSwitch
from vidsr.engines.torch_engine import TorchEngine
from vidsr.models.zoo import Model


def first_engine(
    model: Model, device: torch.device, precision: Precision, say: Callable[[str], None]
) -> EngineSwitch:
    """PyTorch, under a CUDA graph where there is CUDA, on trial against itself in float32."""
    engine: Engine = TorchEngine(model, device=str(device), precision=precision)
    if device.type == "cuda":
        engine = GraphedEngine(engine)

    def reference() -> Engine:
        return TorchEngine(model, device=str(device), precision="fp32")

    return EngineSwitch(engine, reference, say)
