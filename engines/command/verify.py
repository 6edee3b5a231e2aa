"""The trial of engines from the cache: each is loaded and run beside its network in PyTorch."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from vidsr.cache.store import EngineCache, Entry
from vidsr.engines.onnx_files.facts import NetworkFacts, read_facts
from vidsr.engines.trt.gpu import Machine
from vidsr.errors import MemoryLimitError, VidsrError

if TYPE_CHECKING:
    from vidsr.models.zoo import Model


class Trial:
    """A trial of engines, each loaded and run beside its network in PyTorch."""

    def __init__(self, machine: Machine, models: Sequence[str]) -> None:
        self._machine, self._models = machine, models
        self._networks: dict[str, tuple[Model, NetworkFacts]] | None = None

    def judge(self, entry: Entry) -> tuple[str, bool]:
        """Return a verdict in a few words, and whether the engine may be used."""
        assert entry.key is not None
        if self._networks is None:
            self._networks = dict(self._exported())
        if entry.key["onnx_sha256"] not in self._networks:
            return "not loaded: of none of the models", True
        try:
            return self._run(entry, *self._networks[entry.key["onnx_sha256"]])
        except MemoryLimitError as error:
            return f"not compared: {error.message}", True
        except VidsrError as error:
            return error.message, False

    def _exported(self) -> Iterator[tuple[str, tuple[Model, NetworkFacts]]]:
        from vidsr.engines.onnx_files.export import export_onnx
        from vidsr.engines.onnx_files.network_cache import cached_network
        from vidsr.models.zoo import load_model

        for name in self._models:
            model = load_model(name)
            data = cached_network(model, "fp16", EngineCache()) or export_onnx(model)
            yield hashlib.sha256(data).hexdigest(), (model, read_facts(data))

    def _run(self, entry: Entry, model: Model, facts: NetworkFacts) -> tuple[str, bool]:
        import torch

        from vidsr.cache.entry_file import read
        from vidsr.engines.pytorch.engine import TorchEngine
        from vidsr.engines.selection.accuracy_check import check_engine
        from vidsr.engines.trt.engine import TensorRTEngine

        assert entry.key is not None
        device = self._machine.device
        plan = read(entry.path)[1]
        engine = TensorRTEngine(plan, facts, device=device, trt=self._machine.trt)
        reference = TorchEngine(model, device=str(device), precision="fp32")
        verdict = check_engine(engine, reference, torch.full(entry.key["profiles"][0]["opt"], 0.5))
        return verdict.fault or f"{verdict.psnr_db:.1f} dB from fp32", verdict.trusted
