"""Frames of several streams through the network at once, each with the result it has alone."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import torch
from torch import Tensor

from vidsr.engines.engine import DescribedEngine, Engine
from vidsr.engines.tiling import run_tiled
from vidsr.picture.frame import Frame
from vidsr.picture.size import Size
from vidsr.upscaling import transform
from vidsr.upscaling.engine_pool import EnginePool
from vidsr.upscaling.format_run import FormatRun


def upscale_batch(
    pool: EnginePool, run: FormatRun, frames: Sequence[Frame], size: int
) -> list[Frame]:
    """Upscale frames of one format, computed in batches of ``size``.

    The results are those of ``run.upscale`` within what another order of sums does, and in memory
    of their own. Frames of different strengths need different weights and are batches of their own.

    Args:
        pool: Engines.
        run: Way of frames of that format; its engine has no state.
        frames: Frames, ``size`` at most.
        size: Frames at once, those that are missing filled in: engines are fastest at few sizes.

    Raises:
        MemoryLimitError: The device has no room for so many.
        DeviceError: The device fails.
    """
    steps = [pool.strength.step(frame.coding_error) for frame in frames]
    results: dict[int, Frame] = {}
    for step in sorted(set(steps)):
        numbers = [number for number, own in enumerate(steps) if own == step]
        part = [frames[number] for number in numbers]
        with run.alone(partial(_seen, part[0], run, pool.engine), step) as (engine, tile):
            large = _enlarged(part, run, engine, tile, size)
        results.update(zip(numbers, large, strict=True))
    return [results[number] for number in range(len(frames))]


def _seen(frame: Frame, run: FormatRun, engine: Engine) -> Tensor:
    planes = tuple(plane.to(engine.device) for plane in frame.planes)
    return transform.engine_input(planes, run.source, engine)


def _enlarged(
    frames: Sequence[Frame], run: FormatRun, engine: Engine, tile: Size | None, size: int
) -> list[Frame]:
    with torch.inference_mode():
        inputs = [_seen(frame, run, engine) for frame in frames]
        inputs += [inputs[-1]] * (size - len(inputs))
        phases = run_tiled(engine, torch.cat(inputs).to(engine.input_dtype), tile)
        return [
            transform.enlarge(
                frame, run.target, _Computed(engine, phases[number : number + 1]), None
            )
            for number, frame in enumerate(frames)
        ]


class _Computed(DescribedEngine):
    """An engine that has run already: what is around it is done as for any other."""

    def __init__(self, engine: Engine, phases: Tensor) -> None:
        self.traits, self._phases = engine.traits, phases

    def run(self, x: Tensor) -> Tensor:
        """Return what was computed, for the picture that it was computed for."""
        return self._phases
