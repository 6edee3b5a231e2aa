"""Policy of engines: which one begins on a device, and which may follow.

Another runtime takes a file with its starter or follower and a line in ``STARTERS`` or
``FOLLOWERS``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch

from vidsr.engines.engine import Engine
from vidsr.engines.foreign_onnx.runtime_engine import OnnxRuntimeEngine
from vidsr.engines.foreign_onnx.starter import OnnxRuntimeStarter, make_onnx
from vidsr.engines.openvino_int8.starter import OpenVinoStarter
from vidsr.engines.pytorch.engine import TorchEngine
from vidsr.engines.pytorch.starter import CompileStarter, TorchStarter, WinogradStarter
from vidsr.engines.selection.allowed_combinations import check_combination, check_eager
from vidsr.engines.selection.switch import EngineSwitch
from vidsr.engines.selection.takeover import Follower, Vacancy
from vidsr.engines.selection.tensorrt_takeover import TensorRTFollower
from vidsr.engines.starter import Starter
from vidsr.errors import VidsrError
from vidsr.models.model import Model
from vidsr.models.onnx_networks.network import onnx_network
from vidsr.option_values import EngineKind, Precision

# The first that serves begins; PyTorch, which serves everything, is the last.
STARTERS: tuple[Starter, ...] = (
    OpenVinoStarter(),
    OnnxRuntimeStarter(),
    CompileStarter(),
    WinogradStarter(),
    TorchStarter(),
)
# The first that may follow is offered.
FOLLOWERS: tuple[Follower, ...] = (TensorRTFollower(),)


@dataclass(frozen=True)
class EngineChoice:
    """Choice of engines.

    Attributes:
        kind: ``auto`` begins with PyTorch, and on CUDA goes on with TensorRT where that is
            installed, as soon as it is ready; ``torch`` is PyTorch only; ``tensorrt`` is ``auto``,
            and an error where there is no TensorRT; ``compile`` is PyTorch through its compiler,
            and an error where that does not work; ``winograd`` is PyTorch in float32 on a CPU
            with fewer multiplications, and an error for narrow networks; ``openvino`` is 8
            bits on a CPU, for lite networks with stored steps and ONNX files, and an error
            elsewhere; ``onnxruntime`` is ONNX Runtime, for ONNX files, which ``auto`` runs with it,
            too.
        precision: Type of weights and activations.
        wait: True makes the first frame wait for TensorRT.
    """

    kind: EngineKind = "auto"
    precision: Precision = "auto"
    wait: bool = False

    def check(self, device: torch.device) -> None:
        """Raise OptionError for what contradicts itself, DeviceError for what is not there."""
        check_combination(self.kind, self.precision, self.wait, str(device))
        for follower in FOLLOWERS:
            if follower.demanded(self.kind):
                follower.check()
        self.starter(device).check(device)

    def starter(self, device: torch.device) -> Starter:
        """Return what makes the engine that runs at once."""
        return next(starter for starter in STARTERS if starter.serves(self.kind, device))

    def follower(self, device: torch.device) -> Follower | None:
        """Return what is to take over on ``device``, None where nothing is."""
        able = (follower for follower in FOLLOWERS if follower.may_follow(self.kind, device))
        return next(able, None)

    def may_follow(self, device: torch.device) -> bool:
        """Return True if another engine is to take over on ``device``."""
        return self.follower(device) is not None

    @property
    def insists(self) -> bool:
        """True where another engine than the first one is asked for by name."""
        return any(follower.demanded(self.kind) for follower in FOLLOWERS)


def first_engine(
    model: Model, device: torch.device, choice: EngineChoice, say: Callable[[str], None]
) -> EngineSwitch:
    """Make what runs at once, on trial against PyTorch in float32; see there for ONNX files."""
    if onnx_network(model.module) is not None:
        return _first_of_onnx(model, device, choice, say)
    if model.traits.eager_only:
        check_eager(choice.kind, model.name)
    starter = choice.starter(device)
    engine = starter.make(model, device, choice.precision)

    def reference() -> Engine:
        return TorchEngine(model, device=str(device), precision="fp32")

    return EngineSwitch(engine, reference, say, verify_float32=starter.verify_float32)


def _first_of_onnx(
    model: Model, device: torch.device, choice: EngineChoice, say: Callable[[str], None]
) -> EngineSwitch:
    """Make what runs an ONNX file at once, on trial against its graph as it is written."""
    engine = make_onnx(model, device, choice.kind, choice.precision)
    return EngineSwitch(engine, lambda: OnnxRuntimeEngine(model, device, plain=True), say)


def offer_follower(
    switch: EngineSwitch, vacancy: Vacancy, choice: EngineChoice, say: Callable[[str], None]
) -> None:
    """Have another engine take over. What keeps it away is a note."""
    follower = choice.follower(vacancy.general.device)
    if follower is None or vacancy.model.traits.eager_only:
        return None
    try:
        candidate = follower.candidate(vacancy, say)
    except VidsrError as error:
        return say(f"no {follower.title} engine: {error.message}; going on with PyTorch")
    switch.offer(candidate, wait=choice.wait)
    return None
