"""Frames through `Upscaler.stream`: decoded frames in, planes of the large frame out, no codec."""

from __future__ import annotations

import gc
import os
import time
from collections.abc import Generator, Iterator
from functools import partial
from itertools import islice
from pathlib import Path
from statistics import median
from typing import Any, cast

import torch
from gpu_kernels import COLOR, codes
from gpu_timing import Bench, call_ms, guarded, rounded, synchronize
from gpu_trace import overlap

from vidsr.picture.frame import Frame, PixelFormat, VideoFormat

MODELS = ("srresnet-x4", "lite-x4")
TRACED_FRAMES = 20
TRACE_BYTES = 10_000_000
DISTINCT = 8  # frames that take turns


def frames(form: VideoFormat, count: int) -> Iterator[Frame]:
    """Yield noise on the host, in ordinary memory as decoders give it."""
    pictures = [tuple(codes(form, torch.device("cpu"))) for _ in range(DISTINCT)]
    for i in range(count):
        yield Frame(pictures[i % DISTINCT], form, pts=i)


def layout(width: int, height: int) -> VideoFormat:
    return VideoFormat(width, height, PixelFormat("yuv", 8, (2, 2)), COLOR)


def stream(bench: Bench, folder: Path, slug: str) -> dict[str, Any]:
    """Measure every model: frames a second, and what holds it back."""
    rows = {}
    for model in MODELS:
        name = f"{model} 960x540"
        trace = folder / f"{slug}-{model}-trace.json.gz"
        rows[name] = guarded(
            f"stream {name}", partial(measure, bench, model, layout(960, 540), trace)
        )
        if bench.cuda:
            gc.collect()
            torch.cuda.empty_cache()
    return rows


def measure(bench: Bench, model: str, form: VideoFormat, trace: Path) -> dict[str, Any]:
    """Measure one model: stream, single calls, the device's part alone, the network alone."""
    from vidsr.upscaling.upscaler import Upscaler

    form = bench.pick(form, layout(16, 10))
    upscaler = Upscaler(
        model, device=str(bench.device), engine="torch", precision=_precision(bench)
    )
    count = bench.pick(300, 5)
    first = next(upscaler.stream(frames(form, 1)))  # checks the engine, compiles, captures
    first.release()
    stream_fps = median(_stream_fps(upscaler, form, count) for _ in range(bench.pick(3, 1)))
    single_fps = median(_single_fps(upscaler, form, count // 3) for _ in range(bench.pick(3, 1)))
    row: dict[str, Any] = {
        "frames": count,
        "tile": str(upscaler.plan(form, upscaler.target_format(form))),
        "stream_fps": stream_fps,
        "single_fps": single_fps,
        "times_single": stream_fps / single_fps,
        **_device_rates(bench, upscaler, form),
    }
    row["share_of_engine"] = stream_fps / row["engine_fps"]
    row["share_of_device"] = stream_fps / row["device_fps"]
    row |= guarded("  trace", lambda: _traced(bench, upscaler, form, trace))
    return rounded(row)


def _precision(bench: Bench) -> Any:
    return "auto" if bench.cuda else "fp32"


def _stream_fps(upscaler: Any, form: VideoFormat, count: int) -> float:
    """Time from the fourth frame out to the last, so that filling the ring does not count."""
    marks = []
    for large in upscaler.stream(frames(form, count)):
        large.release()
        marks.append(time.perf_counter())
    return (count - 4) / (marks[-1] - marks[3])


def _single_fps(upscaler: Any, form: VideoFormat, count: int) -> float:
    pictures = list(frames(form, count))
    begin = time.perf_counter()
    for frame in pictures:
        upscaler.enlarge(frame)
    return count / (time.perf_counter() - begin)


@torch.inference_mode()
def _device_rates(bench: Bench, upscaler: Any, form: VideoFormat) -> dict[str, float]:
    """Return frames a second of the network alone, and of all that the compute queue does."""
    from vidsr.upscaling import transform

    engine, target = upscaler.engine, upscaler.target_format(form)
    tile = upscaler.plan(form, target)
    planes = tuple(codes(form, bench.device))
    x = transform.engine_input(planes, form, engine).to(engine.input_dtype)
    engine_ms = call_ms(bench, lambda: engine.run(x))
    device_ms = call_ms(bench, lambda: transform.enlarge_planes(planes, form, target, engine, tile))
    return {"engine_fps": 1000 / engine_ms, "device_fps": 1000 / device_ms}


def _traced(bench: Bench, upscaler: Any, form: VideoFormat, path: Path) -> dict[str, Any]:
    """Trace frames in the middle of a stream; return its overlap."""
    from torch.profiler import ProfilerActivity, profile

    activities = [ProfilerActivity.CPU] + [ProfilerActivity.CUDA] * bench.cuda
    warm, count = bench.pick(10, 1), bench.pick(TRACED_FRAMES, 3)
    results = upscaler.stream(frames(form, warm + count + 8))
    for large in islice(results, warm):
        large.release()
    with profile(activities=activities) as record:
        for large in islice(results, count):
            large.release()
        synchronize(bench)
    results.close()
    record.export_chrome_trace(str(path))
    row = overlap(path)
    size = path.stat().st_size
    if size > TRACE_BYTES:
        path.unlink()
    return {**row, "trace": path.name if size <= TRACE_BYTES else f"{size} bytes, not kept"}


def endurance(bench: Bench, count: int, limit_s: float) -> dict[str, Any]:
    """Stream very many small frames: nothing may grow, nothing may change places."""
    from vidsr.upscaling.upscaler import Upscaler

    form = bench.pick(layout(64, 36), layout(16, 8))
    upscaler = Upscaler(
        "lite-x2", device=str(bench.device), engine="torch", precision=_precision(bench)
    )
    begin, done, errors = time.perf_counter(), 0, 0
    early: dict[str, int] | None = None
    results = cast("Generator[Frame]", upscaler.stream(frames(form, count)))
    for large in results:
        errors += large.pts != done
        large.release()
        done += 1
        spent = time.perf_counter() - begin
        if early is None and (done >= count // 10 or spent > limit_s / 10):
            early, early_at = memory(bench), done
        if spent > limit_s:
            break
    results.close()
    elapsed = time.perf_counter() - begin
    late = memory(bench)
    assert early is not None
    growth = {name: late[name] - early[name] for name in late}
    return rounded({
        "frames": done,
        "asked_for": count,
        "order_errors": errors,
        "fps": done / elapsed,
        "early_at_frame": early_at,
        "early_bytes": early,
        "late_bytes": late,
        "growth_bytes": growth,
    })  # fmt: skip


def memory(bench: Bench) -> dict[str, int]:
    """Return the bytes that this process has now: resident, and on the device."""
    gc.collect()
    row = {"resident": resident_bytes()}
    if bench.cuda:
        row["device_allocated"] = torch.cuda.memory_allocated(bench.device)
        row["device_reserved"] = torch.cuda.memory_reserved(bench.device)
    return row


def resident_bytes() -> int:
    """Return the resident bytes of this process, as Linux tells; 0 elsewhere."""
    statm = Path("/proc/self/statm")
    return int(statm.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") if statm.exists() else 0
