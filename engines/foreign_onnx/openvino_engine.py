"""ONNX files through OpenVINO on a CPU."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from vidsr.engines.devices import has_native_bf16
from vidsr.engines.foreign_onnx.base import OnnxEngine, require_onnx
from vidsr.engines.openvino_int8.engine import import_openvino
from vidsr.engines.openvino_int8.requests import Requests
from vidsr.errors import ModelError
from vidsr.models.model import Model
from vidsr.models.onnx_networks.network import OnnxNetwork, run_session
from vidsr.models.onnx_networks.runtime import first_line

RUNTIME = "openvino"
HINTS = {torch.bfloat16: "bf16", torch.float32: "f32", torch.int8: "f32"}


class OnnxOpenVinoEngine(OnnxEngine):
    """An ``Engine`` on OpenVINO. Several threads may call ``run`` at once.

    bfloat16 where the CPU has it, else float32; graphs with quantised layers run those in 8 bits.
    """

    def __init__(self, model: Model) -> None:
        self._openvino = import_openvino()
        network = require_onnx(model)
        super().__init__(model, RUNTIME, torch.device("cpu"), _dtype(network))
        core = self._openvino.Core()
        try:
            read = core.read_model(str(network.path))
        except RuntimeError as error:
            raise ModelError(f"{network.path}: OpenVINO refuses it: {first_line(error)}") from error
        self._requests = Requests(core, read, torch.get_num_threads(), HINTS[self.dtype])

    def forward(self, x: Tensor) -> Tensor:
        """Map pictures of a size that the network takes -> larger ones."""
        with self._requests.lend(torch.get_num_threads()) as request:
            return run_session(_Session(request), self.network.contract, x)

    def clear(self) -> None:
        """Forget the compiled network and the activations that its requests keep."""
        self._requests.clear()

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
