"""Runs that begin with a network in an ONNX file."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from vidsr.engines.engine import Engine
from vidsr.engines.foreign_onnx.openvino_engine import OnnxOpenVinoEngine
from vidsr.engines.foreign_onnx.runtime_engine import OnnxRuntimeEngine
from vidsr.errors import OptionError
from vidsr.models.model import Model
from vidsr.models.onnx_networks.network import onnx_network
from vidsr.models.onnx_networks.runtime import import_runtime
from vidsr.option_values import EngineKind, Precision, one_of

KINDS: tuple[EngineKind, ...] = ("auto", "onnxruntime", "openvino", "tensorrt")
"""Engines that run ONNX files of any origin."""


@dataclass(frozen=True)
class OnnxRuntimeStarter:
    """Starter of ``OnnxRuntimeEngine``, for those who ask for it."""

    verify_float32: bool = False

    def serves(self, kind: EngineKind, device: torch.device) -> bool:
        """Return True for those who ask for it."""
        return kind == "onnxruntime"

    def check(self, device: torch.device) -> None:
        """Raise DeviceError without ONNX Runtime."""
        import_runtime()

    def make(self, model: Model, device: torch.device, precision: Precision) -> Engine:
        """Make the engine. Raises OptionError, ModelError, DeviceError."""
        if onnx_network(model.module) is None:
            raise OptionError(
                f"engine = 'onnxruntime' with {model.name}: it runs ONNX files only",
                hint="leave `engine` out, or name a model that ends in .onnx",
            )
        return OnnxRuntimeEngine(model, device)


def make_onnx(model: Model, device: torch.device, kind: EngineKind, precision: Precision) -> Engine:
    """Make the engine that a run with an ONNX file begins with.

    Raises OptionError for an engine or a precision that no ONNX file goes with.
    """
    if kind not in KINDS:
        raise OptionError(
            f"engine = {kind!r} with an ONNX file: expected {one_of(KINDS)}",
            hint="leave `engine` out",
        )
    if precision != "auto":
        raise OptionError(
            f"precision = {precision!r} with an ONNX file: expected auto",
            hint="its numbers are those of the file",
        )
    if kind == "openvino":
        return OnnxOpenVinoEngine(model)
    return OnnxRuntimeEngine(model, device)
