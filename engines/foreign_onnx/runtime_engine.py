"""ONNX files through ONNX Runtime: on a CPU, and on CUDA where its build for GPUs is installed."""

from __future__ import annotations

import threading
from typing import Any

import torch
from torch import Tensor

from vidsr.engines.foreign_onnx.base import OnnxEngine, number_type, require_onnx
from vidsr.models.model import Model
from vidsr.models.onnx_networks.network import run_session
from vidsr.models.onnx_networks.runtime import CPU, CUDA, import_runtime, open_session

RUNTIME = "onnxruntime"


class OnnxRuntimeEngine(OnnxEngine):
    """An ``Engine`` on ONNX Runtime. Several threads may call ``run`` at once on a CPU.

    Args:
        model: A model out of an ONNX file.
        device: Where it runs. On CUDA without ONNX Runtime's build for GPUs, the network runs on
            the CPU and pictures are copied.
        plain: True runs the graph as it is written, nothing fused: the yardstick of others.
    """

    def __init__(self, model: Model, device: torch.device, *, plain: bool = False) -> None:
        network = require_onnx(model)
        dtype = torch.float32 if plain else number_type(network)
        super().__init__(model, RUNTIME, device, dtype)
        on_gpu = device.type == "cuda" and CUDA in import_runtime().get_available_providers()
        self._provider, self._plain = (CUDA if on_gpu else CPU), plain
        self._lock = threading.Lock()
        self._opened: tuple[int, Any] | None = None
        self._session()  # what is refused is refused here

    def forward(self, x: Tensor) -> Tensor:
        """Map pictures of a size that the network takes -> larger ones, on the same device."""
        return run_session(self._session(), self.network.contract, x)

    def _session(self) -> Any:
        """Return the session for as many threads as PyTorch would take here, one of them kept."""
        threads = torch.get_num_threads()
        with self._lock:
            if self._opened is None or self._opened[0] != threads:
                session = open_session(
                    self.network.path, threads, provider=self._provider, plain=self._plain
                )
                self._opened = threads, session
            return self._opened[1]

    def clear(self) -> None:
        """Give back what the session keeps; the next run opens another one."""
        with self._lock:
            self._opened = None

    close = clear
