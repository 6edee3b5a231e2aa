"""A TensorRT engine from the cache, or built and put there."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import torch

from vidsr.cache.keys import EngineKey, Gpu, Key, Profile, TimingKey
from vidsr.cache.store import EngineCache
from vidsr.engines.onnx_files.facts import NetworkFacts
from vidsr.engines.trt.build import (
    DEFAULT_OPTIMIZATION_LEVEL,
    DEFAULT_WORKSPACE_BYTES,
    REFIT,
    build_engine,
    import_tensorrt,
)
from vidsr.engines.trt.engine import Reweigh, TensorRTEngine, current_stream, on_device
from vidsr.engines.trt.gpu import Machine
from vidsr.engines.trt.log import Messages
from vidsr.engines.trt.profile import engine_key
from vidsr.errors import DeviceError, OutputError

Say = Callable[[str], None]


def load_or_build(
    model_onnx: bytes,
    facts: NetworkFacts,
    profile: Profile,
    cache: EngineCache,
    gpu: Gpu,
    say: Say,
    *,
    device: torch.device,
    workspace_bytes: int = DEFAULT_WORKSPACE_BYTES,
    optimization_level: int = DEFAULT_OPTIMIZATION_LEVEL,
    refittable: bool = False,
    trt: Any = None,
    stream: Callable[[torch.device], int] = current_stream,
) -> TensorRTEngine:
    """Return the engine of a model for a range of shapes.

    ``gpu`` describes ``device``. ``say`` gets, in one line, why an engine is built, and whatever
    keeps it from being stored: it works all the same. ``workspace_bytes`` is the most that one
    layer may take beside its tensors; it, the level (0 to 5) and ``refittable`` (other weights can
    be written into the engine) are part of an engine's identity.
    Raises DeviceError.
    """
    trt = trt or import_tensorrt()
    key = engine_key(
        model_onnx,
        facts,
        profile,
        gpu,
        trt,
        workspace_bytes,
        optimization_level,
        refittable=refittable,
    )
    order = _Order(model_onnx, facts, cache, key, say, device, trt, stream)
    with cache.lock(key, say):
        found = order.from_cache()
        return order.build(why=found) if isinstance(found, str) else found


def load_cached(
    model_onnx: bytes,
    facts: NetworkFacts,
    profile: Profile,
    cache: EngineCache,
    machine: Machine,
    say: Say,
    *,
    reweigh: Reweigh | None = None,
    stream: Callable[[torch.device], int] = current_stream,
) -> TensorRTEngine | None:
    """Return the engine that ``load_or_build`` would find, None where it would have to build.

    With ``reweigh`` it is a refittable one: see ``TensorRTEngine``.
    """
    gpu = machine.gpu
    key = engine_key(model_onnx, facts, profile, gpu, machine.trt, refittable=reweigh is not None)
    device, trt = machine.device, machine.trt
    found = _Order(model_onnx, facts, cache, key, say, device, trt, stream, reweigh).from_cache()
    return None if isinstance(found, str) else found


@dataclass(frozen=True)
class _Order:
    model_onnx: bytes
    facts: NetworkFacts
    cache: EngineCache
    key: EngineKey
    say: Say
    device: torch.device
    trt: Any
    stream: Callable[[torch.device], int]
    reweigh: Reweigh | None = None
    messages: Messages = field(default_factory=Messages)

    def from_cache(self) -> TensorRTEngine | str:
        """Return the engine, or why it has to be built."""
        found = self.cache.load(self.key)
        if found.payload is None:
            return found.reason
        try:
            return self._load(found.payload)
        except DeviceError as error:
            self.cache.discard(self.key)
            return f"{self.cache.path(self.key)} does not load: {error.message}"

    def build(self, why: str) -> TensorRTEngine:
        self.say(f"TensorRT engine of {self.facts.name}: {why}; building it, which takes minutes")
        timing = TimingKey(tensorrt_version=self.key.tensorrt_version, gpu=self.key.gpu)
        with on_device(self.device):
            plan, timings = build_engine(
                self.model_onnx,
                profiles=self.key.profiles,
                trt=self.trt,
                workspace_bytes=self.key.workspace_bytes,
                optimization_level=self.key.optimization_level,
                timing_cache=self.cache.load(timing).payload,
                refittable=REFIT in self.key.flags,
                messages=self.messages,
            )
        self._store(timing, timings)
        engine = self._load(plan)  # a plan that does not load is not kept
        self._store(self.key, plan)
        return engine

    def _load(self, plan: bytes) -> TensorRTEngine:
        return TensorRTEngine(
            plan,
            self.facts,
            device=self.device,
            trt=self.trt,
            messages=self.messages,
            stream=self.stream,
            reweigh=self.reweigh,
        )

    def _store(self, key: Key, payload: bytes) -> None:
        try:
            self.cache.store(key, payload)
        except OutputError as error:
            self.say(f"not kept for the next start: {error.message}")
