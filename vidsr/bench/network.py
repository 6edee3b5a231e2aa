"""The stages on the device: colour in, network, colour out."""

from __future__ import annotations

from itertools import islice

import torch

from vidsr import transform
from vidsr.bench.marks import MarkedEngine, now
from vidsr.bench.samples import Bench, Samples
from vidsr.bench.work import flops_per_pixel
from vidsr.frame import Frame

WARM_UP = 3
KEPT_BYTES = 512 << 20  # of large frames for the encoder; a longer clip goes to and fro


def network(bench: Bench) -> dict[str, Samples]:
    """``to_rgb``, ``engine`` and ``to_yuv``; fills ``bench.large``."""
    upscaler, target = bench.job.upscaler, bench.job.output.format
    upscaler.enlarge(bench.frames[0], target)  # has the engine checked
    engine = MarkedEngine(upscaler.engine)
    parts = _parts()
    for frame in islice(bench.inputs(), WARM_UP):
        _enlarge(bench, frame, engine, _parts())
    kept = max(2, KEPT_BYTES // target.frame_bytes)
    for frame in bench.inputs():
        large = _enlarge(bench, frame, engine, parts)
        if len(bench.large) < kept:
            bench.large.append(Frame(tuple(plane.cpu().clone() for plane in large), target))
    _describe(parts, bench, engine)
    return parts


def _parts() -> dict[str, Samples]:
    return {name: Samples() for name in ("to_rgb", "engine", "to_yuv")}


@torch.inference_mode()
def _enlarge(
    bench: Bench, frame: Frame, engine: MarkedEngine, parts: dict[str, Samples]
) -> tuple[torch.Tensor, ...]:
    """The large planes, on the device; a sample for each of ``parts``."""
    source, target, device = frame.format, bench.job.output.format, bench.device
    tile = bench.job.upscaler.plan(source, target)
    planes = tuple(plane.to(device) for plane in frame.planes)
    begin = now(device)
    large = transform.enlarge_planes(planes, source, target, engine.restart(), tile)
    end = now(device)
    first, last = engine.reached()
    spent = (first - begin, last - first, end - last)
    for samples, part in zip(parts.values(), spent, strict=True):
        samples.add(part)
    return large


def _describe(parts: dict[str, Samples], bench: Bench, engine: MarkedEngine) -> None:
    source, target = bench.job.source.info.format, bench.job.output.format
    model, dtype = bench.job.upscaler.model, bench.job.upscaler.engine.dtype
    parts["to_rgb"].work = source.frame_bytes + engine.bytes_in
    parts["to_yuv"].work = engine.bytes_out + target.frame_bytes
    parts["to_rgb"].ceiling = parts["to_yuv"].ceiling = "copy"
    parts["engine"].work = flops_per_pixel(model.module) * source.width * source.height
    parts["engine"].ceiling = "matmul " + str(dtype).removeprefix("torch.")
