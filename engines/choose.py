"""Which engine begins on a device, and which may follow."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Literal, get_args

import torch

from vidsr.engines.devices import Precision
from vidsr.engines.engine import Engine
from vidsr.engines.fixed import FixedShapeEngine
from vidsr.engines.graphed import GraphedEngine
from vidsr.engines.switch import EngineSwitch
from vidsr.engines.torch_engine import TorchEngine
from vidsr.errors import OptionError, VidsrError
from vidsr.models.zoo import Model

EngineKind = Literal["auto", "torch", "tensorrt"]


@dataclass(frozen=True)
class EngineChoice:
    """How engines are chosen.

    ``auto``     PyTorch at once, and on CUDA TensorRT as soon as it is ready, where it is installed
    ``torch``    PyTorch only
    ``tensorrt`` as ``auto``, and an error where there is no TensorRT
    ``wait``     the first frame waits for TensorRT
    """

    kind: EngineKind = "auto"
    precision: Precision = "auto"
    wait: bool = False

    def check(self, device: torch.device) -> None:
        """Raises OptionError for what contradicts itself, DeviceError where TensorRT is absent."""
        if self.kind not in get_args(EngineKind):
            allowed = ", ".join(get_args(EngineKind))
            raise OptionError(f"engine = {self.kind!r}, allowed are {allowed}.")
        if self.kind == "torch" and self.wait:
            raise OptionError("wait_for_engine with engine = 'torch': it is there at once.")
        if self.kind == "tensorrt":
            self._check_tensorrt(device)

    def _check_tensorrt(self, device: torch.device) -> None:
        from vidsr.engines.candidate import PRECISIONS
        from vidsr.engines.tensorrt_build import import_tensorrt

        if device.type != "cuda":
            raise OptionError(
                f"engine = 'tensorrt' on {device}: it needs a CUDA device.",
                hint="leave --engine out, which takes the best there is.",
            )
        if self.precision not in PRECISIONS:
            allowed = ", ".join(PRECISIONS)
            raise OptionError(
                f"precision = {self.precision!r} with engine = 'tensorrt': allowed are {allowed}."
            )
        import_tensorrt()

    def may_follow(self, device: torch.device) -> bool:
        """Whether TensorRT is to take over on ``device``."""
        installed = self.kind == "tensorrt" or find_spec("tensorrt") is not None
        return device.type == "cuda" and self.kind != "torch" and installed


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


def offer_tensorrt(
    switch: EngineSwitch,
    model: Model,
    choice: EngineChoice,
    frame: tuple[int, int],
    tile: tuple[int, int] | None,
    say: Callable[[str], None],
) -> None:
    """Have TensorRT take over for frames of (height, width). What keeps it away is said."""
    from vidsr.engines.candidate import Wanted, tensorrt_candidate

    wanted = Wanted(model, switch.engine.device, frame, tile, choice.precision)
    try:
        candidate = tensorrt_candidate(wanted, switch.engine, say)
    except VidsrError as error:
        return say(f"no TensorRT engine: {error.message}; going on with PyTorch")
    switch.offer(candidate, wait=choice.wait)
    return None


def runtime_of(engine: Engine) -> str:
    """``torch`` or ``tensorrt``, for reports."""
    return "tensorrt" if isinstance(engine, FixedShapeEngine) else "torch"
