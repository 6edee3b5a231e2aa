"""TensorRT for a run that has begun without it: out of the cache, or built beside the run."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass

import torch

from vidsr.cache.store import EngineCache
from vidsr.engines.engine import Engine
from vidsr.engines.onnx_files.export import require_exporter
from vidsr.engines.onnx_files.facts import FloatType, read_facts
from vidsr.engines.onnx_files.network_cache import cached_network
from vidsr.engines.onnx_files.reweigh import reweighed
from vidsr.engines.pytorch.cuda_graphs import Capture, GraphedEngine
from vidsr.engines.selection.background_build import BackgroundBuild
from vidsr.engines.selection.fixed_shape import FixedShapeEngine
from vidsr.engines.trt import gpu as machines
from vidsr.engines.trt.load import load_cached
from vidsr.engines.trt.profile import profile_of
from vidsr.errors import OptionError
from vidsr.models.model import Model
from vidsr.models.onnx_networks.network import onnx_network
from vidsr.option_values import Precision
from vidsr.picture.size import Size

Say = Callable[[str], None]
PRECISIONS: dict[Precision, FloatType] = {"auto": "fp16", "fp16": "fp16", "fp32": "fp32"}


@dataclass(frozen=True)
class Wanted:
    """Order for an engine: the frames that it is built for, cut into tiles or whole."""

    model: Model
    device: torch.device
    frame: Size
    tile: Size | None
    precision: Precision

    def command(self) -> list[str]:
        """Return the command that builds it, in another process."""
        parts = [sys.executable, "-m", "vidsr.engines.command.cli", "build", str(self.model.path)]
        parts += ["--size", str(self.frame), "--device", str(self.device)]
        if onnx_network(self.model.module) is None:  # whose file has numbers of its own
            parts += ["--precision", _float_type(self.precision)]
        return parts + (["--tile", str(self.tile)] if self.tile else [])


def tensorrt_candidate(
    wanted: Wanted, general: Engine, say: Say, *, capture: Capture | None = None
) -> BackgroundBuild:
    """Return an engine that is in the cache, or is being built, at once.

    ``general`` runs the same network on what the engine is not built for. Raises OptionError for
    sides and for a precision that TensorRT is not used with; what else keeps the engine away, such
    as no TensorRT or no exporter, is raised when it is taken.
    """
    precision, step = _float_type(wanted.precision), general.alignment
    if wanted.tile is None and (wanted.frame.width % step or wanted.frame.height % step):
        raise OptionError(
            f"{general.name} through TensorRT takes sides that are multiples of {step}, "
            f"not {wanted.frame}"
        )

    def load() -> Engine | None:
        machine, cache = machines.find_machine(str(wanted.device)), EngineCache()
        require_exporter()
        data = cached_network(wanted.model, precision, cache)
        if data is None:  # then no engine was built of it either
            return None
        facts = read_facts(data)
        profile = profile_of(facts, wanted.frame, wanted.tile)
        reweigh = None
        if wanted.model.strengths is not None:
            reweigh = lambda other: reweighed(data, wanted.model, other)  # noqa: E731
        plan = load_cached(data, facts, profile, cache, machine, say, reweigh=reweigh)
        if plan is None:
            return None
        engine = GraphedEngine(plan, capture=capture, lasting=False)
        name = f"{facts.name} on TensorRT"
        return FixedShapeEngine(name, engine, general, lambda x: tuple(x.shape) == profile.opt)

    return BackgroundBuild(
        wanted.command(),
        load,
        lambda: say(
            f"building a TensorRT engine for {wanted.frame}, which takes minutes and is "
            f"kept for the next run; PyTorch goes on until then"
        ),
    )


def _float_type(precision: Precision) -> FloatType:
    if precision not in PRECISIONS:
        raise OptionError(
            f"precision = {precision!r} with TensorRT: expected one of {', '.join(PRECISIONS)}"
        )
    return PRECISIONS[precision]
