"""TensorRT as what takes over from PyTorch on CUDA."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec

import torch

from vidsr.engines.selection.switch import Candidate
from vidsr.engines.selection.takeover import Vacancy
from vidsr.option_values import EngineKind

# What loads TensorRT's side of the package is imported where it is used: most runs need none of it.


@dataclass(frozen=True)
class TensorRTFollower:
    """Follower that builds a TensorRT engine, or finds it in the cache."""

    title: str = "TensorRT"

    def serves(self, kind: EngineKind) -> bool:
        """Return True for ``auto`` and for those who ask for TensorRT."""
        return kind in ("auto", "tensorrt")

    def demanded(self, kind: EngineKind) -> bool:
        """Return True for those who ask for TensorRT."""
        return kind == "tensorrt"

    def check(self) -> None:
        """Raise DeviceError without TensorRT."""
        from vidsr.engines.trt.build import import_tensorrt

        import_tensorrt()

    def may_follow(self, kind: EngineKind, device: torch.device) -> bool:
        """Return True on CUDA where TensorRT is installed, or is asked for by name."""
        installed = self.demanded(kind) or find_spec("tensorrt") is not None
        return device.type == "cuda" and self.serves(kind) and installed

    def candidate(self, vacancy: Vacancy, say: Callable[[str], None]) -> Candidate:
        """Look for the engine in the cache, or have it built, in the background."""
        from vidsr.engines.selection import tensorrt_candidate as module

        wanted = module.Wanted(
            vacancy.model, vacancy.general.device, vacancy.frame, vacancy.tile, vacancy.precision
        )
        return module.tensorrt_candidate(wanted, vacancy.general, say)
