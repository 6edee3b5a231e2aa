"""Profile of an engine: the shape of what a network sees of a frame, and all it depends on.

Nothing here imports torch before it is used.
"""

from __future__ import annotations

import hashlib
from typing import Any

from vidsr.cache.keys import EngineKey, Gpu, Profile
from vidsr.engines.onnx_files.facts import NetworkFacts
from vidsr.engines.trt.build import (
    DEFAULT_OPTIMIZATION_LEVEL,
    DEFAULT_WORKSPACE_BYTES,
    REFIT,
    flags,
)
from vidsr.picture.size import Size


def profile_of(facts: NetworkFacts, frame: Size, tile: Size | None) -> Profile:
    """Return the one shape that frames, or windows of them, have for the network.

    Sizes are rounded up to whole steps of its coarsest grid.
    """
    from vidsr.engines.tiling import plan_tiles

    height, width = frame.height, frame.width
    if tile is not None:
        window = plan_tiles(frame, tile, facts.halo, facts.alignment)[0]
        height, width = (span.stop - span.start for span in (window.rows, window.columns))
    step = facts.alignment
    shape = (1, facts.channels, -(-height // step) * step, -(-width // step) * step)
    return Profile(shape, shape, shape)


def engine_key(
    model_onnx: bytes,
    facts: NetworkFacts,
    profile: Profile,
    gpu: Gpu,
    trt: Any,
    workspace_bytes: int = DEFAULT_WORKSPACE_BYTES,
    optimization_level: int = DEFAULT_OPTIMIZATION_LEVEL,
    *,
    refittable: bool = False,
) -> EngineKey:
    """Return the identity of a model's engine for one range of shapes."""
    return EngineKey(
        tensorrt_version=trt.__version__,
        gpu=gpu,
        model=facts.name,
        onnx_sha256=hashlib.sha256(model_onnx).hexdigest(),
        parser_version=int(trt.get_nv_onnx_parser_version()),
        flags=(*flags(trt), *([REFIT] if refittable else [])),
        optimization_level=optimization_level,
        workspace_bytes=workspace_bytes,
        profiles=(profile,),
        io=(f"input {facts.input_type} LINEAR", f"output {facts.output_type} LINEAR"),
    )
