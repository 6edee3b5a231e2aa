"""ONNX files through OpenVINO on a CPU."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from vidsr.engines.devices import has_native_bf16
from vidsr.engines.foreign_onnx.base import OnnxEngine, require_onnx
from vidsr.engines.openvino_int8.engine import import_openvino
from vidsr.errors import ModelError
from vidsr.models.model import Model
from vidsr.models.onnx_networks.network import OnnxNetwork, run_session
from vidsr.models.onnx_networks.runtime import first_line

RUNTIME = "openvino"
HINTS = {torch.bfloat16: "bf16", torch.float32: "f32", torch.int8: "f32"}


@dataclass(frozen=True)
class _Compiled:
    """A network for callers of so many threads each, and requests that nobody uses."""

    threads: int
    network: Any
    idle: list[Any]


class OnnxOpenVinoEngine(OnnxEngine):
    """An ``Engine`` on OpenVINO. Several threads may call ``run`` at once.

    bfloat16 where the CPU has it, else float32; graphs with quantised layers run those in 8 bits.
    """

    def __init__(self, model: Model) -> None:
        self._openvino = import_openvino()
        network = require_onnx(model)
        super().__init__(model, RUNTIME, torch.device("cpu"), _dtype(network))
        self._threads = torch.get_num_threads()
        self._lock = threading.Lock()
        self._core = self._openvino.Core()
        try:
            self._read = self._core.read_model(str(network.path))
        except RuntimeError as error:
            raise ModelError(f"{network.path}: OpenVINO refuses it: {first_line(error)}") from error
        self._compiled: _Compiled | None = None

    def forward(self, x: Tensor) -> Tensor:
        """Map pictures of a size that the network takes -> larger ones."""
        with self._request(torch.get_num_threads()) as request:
            return run_session(_Session(request), self.network.contract, x)

    @contextmanager
    def _request(self, threads: int) -> Iterator[Any]:
        """Lend a request to the caller alone, with so many threads to run on."""
        with self._lock:
            if self._compiled is None or self._compiled.threads != threads:
                self._compiled = self._compile(threads)
            compiled = self._compiled
            idle = compiled.idle
            request = idle.pop() if idle else compiled.network.create_infer_request()
        yield request
        with self._lock:
            idle.append(request)

    def _compile(self, threads: int) -> _Compiled:
        streams = max(1, self._threads // threads)
        options = {
            "INFERENCE_PRECISION_HINT": HINTS[self.dtype],
            "NUM_STREAMS": streams,
            "INFERENCE_NUM_THREADS": streams * threads,
            "ENABLE_CPU_PINNING": False,  # other work of this process runs beside
        }
        return _Compiled(threads, self._core.compile_model(self._read, "CPU", options), [])

    def clear(self) -> None:
        """Forget the compiled network and the activations that its requests keep."""
        with self._lock:
            self._compiled = None

    close = clear


class _Session:
    """A request in the form of a session of ONNX Runtime."""

    def __init__(self, request: Any) -> None:
        self._request = request

    def run(self, outputs: list[str], inputs: dict[str, Any]) -> list[Any]:
        """Return a copy of the one output: the request keeps its own."""
        found = self._request.infer(list(inputs.values()))
        return [found[0].copy()]


def _dtype(network: OnnxNetwork) -> torch.dtype:
    if network.codes:
        return torch.int8
    return torch.bfloat16 if has_native_bf16() else torch.float32
