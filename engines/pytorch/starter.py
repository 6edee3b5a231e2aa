"""Runs that begin with PyTorch, under a CUDA graph where there is CUDA."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from vidsr.engines.engine import Engine
from vidsr.engines.pytorch.compiled import CompiledEngine, require_compiler
from vidsr.engines.pytorch.cuda_graphs import GraphedEngine
from vidsr.engines.pytorch.engine import TorchEngine
from vidsr.engines.pytorch.winograd import WinogradEngine, require_winograd
from vidsr.models.model import Model
from vidsr.option_values import EngineKind, Precision


@dataclass(frozen=True)
class TorchStarter:
    """Starter of ``TorchEngine``, for every kind that names no other one."""

    verify_float32: bool = False

    def serves(self, kind: EngineKind, device: torch.device) -> bool:
        """Return True: PyTorch runs everything, and until others are ready."""
        return True

    def check(self, device: torch.device) -> None:
        """Raise nothing: PyTorch is there."""

    def make(self, model: Model, device: torch.device, precision: Precision) -> Engine:
        """Make the engine. Raises OptionError, DeviceError."""
        engine = TorchEngine(model, device=str(device), precision=precision)
        return engine if model.traits.eager_only else _graphed(engine)


@dataclass(frozen=True)
class CompileStarter:
    """Starter of ``CompiledEngine``. A compiler may break float32, too."""

    verify_float32: bool = True

    def serves(self, kind: EngineKind, device: torch.device) -> bool:
        """Return True for those who ask for it."""
        return kind == "compile"

    def check(self, device: torch.device) -> None:
        """Raise DeviceError where the compiler does not work."""
        require_compiler(device)

    def make(self, model: Model, device: torch.device, precision: Precision) -> Engine:
        """Make the engine. Raises OptionError, DeviceError."""
        return _graphed(CompiledEngine(model, device=str(device), precision=precision))


@dataclass(frozen=True)
class WinogradStarter:
    """Starter of ``WinogradEngine``, whose sums are others: float32 is compared, too."""

    verify_float32: bool = True

    def serves(self, kind: EngineKind, device: torch.device) -> bool:
        """Return True for those who ask for it."""
        return kind == "winograd"

    def check(self, device: torch.device) -> None:
        """Raise DeviceError where there are no such convolutions."""
        require_winograd(device)

    def make(self, model: Model, device: torch.device, precision: Precision) -> Engine:
        """Make the engine. Raises OptionError, DeviceError."""
        return WinogradEngine(model, device=str(device), precision=precision)


def _graphed(engine: TorchEngine) -> Engine:
    return GraphedEngine(engine) if engine.device.type == "cuda" else engine
