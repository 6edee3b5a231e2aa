"""Which engine begins on a device, and which may follow."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec

import torch

from vidsr.engines.engine import Engine
from vidsr.engines.openvino_int8.engine import OpenVinoEngine, import_openvino
from vidsr.engines.pytorch.compiled import CompiledEngine, require_compiler
from vidsr.engines.pytorch.cuda_graphs import GraphedEngine
from vidsr.engines.pytorch.engine import TorchEngine
from vidsr.engines.selection.combinations import OWN, check_combination
from vidsr.engines.selection.fixed_shape import FixedShapeEngine
from vidsr.engines.selection.switch import EngineSwitch
from vidsr.errors import VidsrError
from vidsr.models.zoo import Model
from vidsr.values import EngineKind, Precision


@dataclass(frozen=True)
class EngineChoice:
    """How engines are chosen.

    ``auto``     PyTorch at once, and on CUDA TensorRT as soon as it is ready, where it is installed
    ``torch``    PyTorch only
    ``tensorrt`` as ``auto``, and an error where there is no TensorRT
    ``compile``  PyTorch through its compiler, and an error where that does not work
    ``openvino`` 8 bits on a CPU, for lite networks with stored steps, and an error elsewhere
    ``wait``     the first frame waits for TensorRT
    """

    kind: EngineKind = "auto"
    precision: Precision = "auto"
    wait: bool = False

    def check(self, device: torch.device) -> None:
        """Raise OptionError for what contradicts itself, DeviceError for what is not there."""
        check_combination(self.kind, self.precision, self.wait, str(device))
        if self.kind == "tensorrt":
            from vidsr.engines.trt.build import import_tensorrt

            import_tensorrt()
        if self.kind == "compile":
            require_compiler(device)
        if self.kind == "openvino":
            import_openvino()

    def may_follow(self, device: torch.device) -> bool:
        """Whether TensorRT is to take over on ``device``."""
        installed = self.kind == "tensorrt" or find_spec("tensorrt") is not None
        return device.type == "cuda" and self.kind not in OWN and installed


def first_engine(
    model: Model, device: torch.device, choice: EngineChoice, say: Callable[[str], None]
) -> EngineSwitch:
    """What runs at once, on trial against PyTorch in float32."""
    engine = _at_once(model, device, choice)

    def reference() -> Engine:
        return TorchEngine(model, device=str(device), precision="fp32")

    return EngineSwitch(engine, reference, say, compiled=choice.kind == "compile")


def _at_once(model: Model, device: torch.device, choice: EngineChoice) -> Engine:
    """PyTorch, under a CUDA graph where there is CUDA, or OpenVINO for those who asked for it."""
    if choice.kind == "openvino":
        return OpenVinoEngine(model)
    kind = CompiledEngine if choice.kind == "compile" else TorchEngine
    engine = kind(model, device=str(device), precision=choice.precision)
    return GraphedEngine(engine) if device.type == "cuda" else engine


def offer_tensorrt(
    switch: EngineSwitch,
    model: Model,
    choice: EngineChoice,
    frame: tuple[int, int],
    tile: tuple[int, int] | None,
    say: Callable[[str], None],
) -> None:
    """Have TensorRT take over for frames of (height, width). What keeps it away is said."""
    from vidsr.engines.selection.tensorrt_candidate import Wanted, tensorrt_candidate

    wanted = Wanted(model, switch.engine.device, frame, tile, choice.precision)
    try:
        candidate = tensorrt_candidate(wanted, switch.engine, say)
    except VidsrError as error:
        return say(f"no TensorRT engine: {error.message}; going on with PyTorch")
    switch.offer(candidate, wait=choice.wait)
    return None


def runtime_of(engine: Engine) -> str:
    """``torch``, ``compile``, ``openvino`` or ``tensorrt``, for reports."""
    if isinstance(engine, OpenVinoEngine):
        return "openvino"
    if isinstance(engine, FixedShapeEngine):
        return "tensorrt"
    inner = engine.engine if isinstance(engine, GraphedEngine) else engine
    return "compile" if isinstance(inner, CompiledEngine) else "torch"
