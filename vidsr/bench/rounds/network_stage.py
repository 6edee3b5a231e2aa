"""Stages on the device: colour in, network, colour out."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from threading import Barrier, BrokenBarrierError

import torch

from vidsr.bench.rounds.engine_marks import MarkedEngine, now
from vidsr.bench.rounds.flops import flops_per_pixel
from vidsr.bench.rounds.samples import Bench, Samples
from vidsr.picture.frame import Frame
from vidsr.upscaling import transform

WARM_UP = 3
KEPT_BYTES = 512 << 20  # of large frames for the encoder; a longer clip goes to and fro


def network(bench: Bench) -> dict[str, Samples]:
    """Measure ``to_rgb``, ``engine`` and ``to_yuv``; fill ``bench.large``.

    On a CPU as many frames at once as the command takes, in threads of its kind.
    """
    upscaler, target = bench.job.upscaler, bench.job.output.format
    upscaler.enlarge(bench.frames[0], target)  # has the engine checked
    count = 1
    if bench.device.type == "cpu":
        count = upscaler.side_by_side(bench.job.info.format, target)
    threads, begun = torch.get_num_threads(), Barrier(count)
    with ThreadPoolExecutor(
        count, initializer=torch.set_num_threads, initargs=(max(1, threads // count),)
    ) as pool:
        runs = [pool.submit(_worker, bench, begun, count, index) for index in range(count)]
        for error in [run.exception() for run in runs]:
            if error is not None and not isinstance(error, BrokenBarrierError):
                raise error
        parts, engine = _together([run.result() for run in runs], count)
    torch.set_num_threads(threads)
    _describe(parts, bench, engine)
    return parts


_ThreadRun = tuple[dict[str, Samples], MarkedEngine, float]


def _worker(bench: Bench, begun: Barrier, count: int, index: int) -> _ThreadRun:
    """Measure one thread's frames, and the CPU time of the whole process meanwhile."""
    engine, parts = MarkedEngine(bench.job.upscaler.engine), _parts()
    try:
        for frame in islice(bench.inputs(), WARM_UP):
            _upscale(bench, frame, engine, _parts())
    except BaseException:
        begun.abort()  # nobody is to wait for this one
        raise
    begun.wait()
    before, target = now(bench.device), bench.job.output.format
    kept = max(2, KEPT_BYTES // target.frame_bytes)
    for frame in islice(bench.inputs(), -(-bench.task.frames // count)):
        large = _upscale(bench, frame, engine, parts)
        if index == 0 and len(bench.large) < kept:
            bench.large.append(Frame(tuple(plane.cpu().clone() for plane in large), target))
    return parts, engine, (now(bench.device) - before).cpu_s


def _together(runs: Sequence[_ThreadRun], count: int) -> tuple[dict[str, Samples], MarkedEngine]:
    """Join the samples of all threads.

    Threads at work at once share a clock of CPU time: it is dealt out to the parts as wall time
    is, which is the same for threads that have a core each.
    """
    parts = _parts()
    for name, whole in parts.items():
        for one, _, _ in runs:
            whole.ms += one[name].ms
            whole.wall_s += one[name].wall_s
            whole.cpu_s += one[name].cpu_s
        whole.together = count
    if count > 1:
        wall_s = sum(part.wall_s for part in parts.values())
        cpu_s = sum(run[2] for run in runs) / count
        for part in parts.values():
            part.cpu_s = cpu_s * part.wall_s / wall_s
    return parts, runs[0][1]


def _parts() -> dict[str, Samples]:
    return {name: Samples() for name in ("to_rgb", "engine", "to_yuv")}


@torch.inference_mode()
def _upscale(
    bench: Bench, frame: Frame, engine: MarkedEngine, parts: dict[str, Samples]
) -> tuple[torch.Tensor, ...]:
    """Return the large planes, on the device; add a sample to each of ``parts``."""
    source, target, device = frame.format, bench.job.output.format, bench.device
    tile = bench.job.upscaler.memory_plan(source, target).tile
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
    source, target = bench.job.info.format, bench.job.output.format
    model, dtype = bench.job.upscaler.model, bench.job.upscaler.engine.dtype
    parts["to_rgb"].work = source.frame_bytes + engine.bytes_in
    parts["to_yuv"].work = engine.bytes_out + target.frame_bytes
    parts["to_rgb"].ceiling = parts["to_yuv"].ceiling = "copy"
    parts["engine"].work = flops_per_pixel(model.module) * source.width * source.height
    # PyTorch has no product of int8 matrices that would be a ceiling.
    if dtype.is_floating_point and parts["engine"].work:
        parts["engine"].ceiling = "matmul " + str(dtype).removeprefix("torch.")
