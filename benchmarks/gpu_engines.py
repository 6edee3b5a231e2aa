"""Networks: eager, under a graph, in another layout, compiled; against a large matrix product.

PyTorch keeps the cuDNN algorithm it took for a shape for each thread, measured or guessed,
whichever came first. So every column that lets it choose anew runs in a thread of its own.
"""

from __future__ import annotations

import copy
import json
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import torch
from gpu_timing import Bench, call_ms, guarded, replayed, rounded, say
from torch import Tensor, nn

from vidsr.engines.pytorch.cuda_graphs import Capture, GraphedEngine, capture_on_cuda
from vidsr.engines.pytorch.engine import TorchEngine
from vidsr.engines.pytorch.inference_net import InferenceNet
from vidsr.models.zoo import load_model
from vidsr.option_values import Precision

T = TypeVar("T")
MODELS = ("lite-x4", "lite-x2", "srresnet-x4")
SIZES = ((960, 540), (320, 180), (1280, 720))
COMPILED = ("lite-x4", "srresnet-x4")
MODES = ("default", "max-autotune-no-cudagraphs")


def build(bench: Bench, model: str) -> TorchEngine:
    """Build the engine as the program does on a GPU; in float32 on a CPU."""
    precision: Precision = "auto" if bench.cuda else "fp32"
    return TorchEngine(load_model(model), device=str(bench.device), precision=precision)


def capture_for(bench: Bench) -> Capture:
    return (lambda work: capture_on_cuda(work, bench.device)) if bench.cuda else replayed


def gflop(model: str, size: tuple[int, int]) -> float:
    """Count the convolutions as they run for a frame of (width, height); a multiply-add is two."""
    net = InferenceNet(load_model(model).module, torch.float32).to("meta")
    total = 0

    def count(layer: nn.Module, _: Any, out: Tensor) -> None:
        nonlocal total
        assert isinstance(layer, nn.Conv2d)
        total += 2 * out.numel() * layer.weight[0].numel()

    for layer in net.modules():
        if isinstance(layer, nn.Conv2d):
            layer.register_forward_hook(count)
    with torch.inference_mode():
        net(torch.empty(1, net.config.channels, size[1], size[0], device="meta"))
    return total / 1e9


def engines(bench: Bench, tflop_per_s: float | None) -> dict[str, Any]:
    """Measure every model at every size."""
    rows = {}
    for model in bench.pick(MODELS, MODELS):
        for size in bench.pick(SIZES, ((8, 6),)):
            name = f"{model} {size[0]}x{size[1]}"
            rows[name] = guarded(
                f"engines {name}", partial(measure, bench, model, size, tflop_per_s)
            )
            if bench.cuda:
                torch.cuda.empty_cache()
    return rows


def measure(
    bench: Bench, model: str, size: tuple[int, int], tflop_per_s: float | None
) -> dict[str, Any]:
    """Measure one model at one size (width, height)."""
    engine = build(bench, model)
    x = torch.rand(1, engine.channels, size[1], size[0], device=bench.device).to(engine.input_dtype)
    graphed = GraphedEngine(engine, capture=None if bench.cuda else replayed)
    with torch.inference_mode():
        graphed.run(x)  # a shape is captured when it comes a second time
        identical = torch.equal(graphed.run(x).clone(), engine.run(x))
        graphed_ms = call_ms(bench, lambda: graphed.run(x))
        eager_ms = call_ms(bench, lambda: engine.run(x))
    work = gflop(model, size)
    rate = work / graphed_ms
    row = {
        "dtype": str(engine.dtype).removeprefix("torch."),
        "graphed_ms": graphed_ms,
        "eager_ms": eager_ms,
        "graphed_equals_eager": identical,
        "gflop": work,
        "tflop_per_s": rate,
        "share_of_matmul": rate / tflop_per_s if tflop_per_s else None,
        "planned_mib": engine.bytes_per_pixel * size[0] * size[1] / 2**20,
    }
    extra: dict[str, Callable[[], object]] = {
        "eager_unmeasured_ms": lambda: apart(lambda: call_ms(bench, lambda: engine.run(x))),
        "contiguous_ms": lambda: apart(lambda: contiguous_ms(bench, engine, x)),
        "peak_mib": lambda: peak_mib(bench, engine, x),
        "largest_shares": lambda: largest_shares(bench, engine, x),
    }
    for name, measurement in extra.items():
        try:
            row[name] = measurement()
        except Exception as error:
            row[name] = f"{type(error).__name__}: {str(error)[:200]}"
    return rounded(row)


def apart(work: Callable[[], T]) -> T:
    """Run ``work`` in a thread that has chosen no algorithms yet."""

    def unrecorded() -> T:
        with torch.inference_mode():
            return work()

    with ThreadPoolExecutor(1) as pool:
        return pool.submit(unrecorded).result()


def contiguous_ms(bench: Bench, engine: TorchEngine, x: Tensor) -> float:
    """Time the same network with planar weights and activations, under a graph.

    Its algorithms are chosen by measuring.
    """
    net = copy.deepcopy(engine.net)
    for weight in (*net.parameters(), *net.buffers()):
        weight.data = weight.data.contiguous()
    planar = x.contiguous()
    _, replay = capture_for(bench)(lambda: net(planar))
    return call_ms(bench, replay)


def peak_mib(bench: Bench, engine: TorchEngine, x: Tensor) -> float | None:
    """Return the most that PyTorch allocates during an eager run, beyond what lay there before."""
    if not bench.cuda:
        return None
    torch.cuda.synchronize(bench.device)
    torch.cuda.reset_peak_memory_stats(bench.device)
    before = torch.cuda.memory_allocated(bench.device)
    engine.run(x)
    return (torch.cuda.max_memory_allocated(bench.device) - before) / 2**20


def largest_shares(bench: Bench, engine: TorchEngine, x: Tensor) -> list[list[Any]]:
    """List the eight kernels that take most of an eager run: name, share of time, launches."""
    from torch.profiler import ProfilerActivity, profile

    activity = ProfilerActivity.CUDA if bench.cuda else ProfilerActivity.CPU
    field = "self_device_time_total" if bench.cuda else "self_cpu_time_total"
    with profile(activities=[activity]) as record:
        engine.run(x)
        if bench.cuda:
            torch.cuda.synchronize(bench.device)
    events = [(getattr(e, field), e.key, e.count) for e in record.key_averages()]
    total = sum(time for time, _, _ in events) or 1.0
    top = sorted(events, reverse=True)[:8]
    return [[name[:100], round(time / total, 4), count] for time, name, count in top]


def compiled(bench: Bench) -> dict[str, Any]:
    """Measure torch.compile of the networks, each in a process that is ended when time is up."""
    size = bench.pick((960, 540), (8, 6))
    rows = {}
    for mode in bench.pick(MODES, MODES[:1]):
        for model in bench.pick(COMPILED, COMPILED[:1]):
            name = f"{model} {size[0]}x{size[1]} {mode}"
            rows[name] = guarded(f"compile {name}", partial(_in_process, bench, model, size, mode))
    return rows


def _in_process(bench: Bench, model: str, size: tuple[int, int], mode: str) -> dict[str, Any]:
    if bench.left_s < 15:
        return {"skipped": "no time left"}
    here = Path(__file__).with_name("gpu_compile.py")
    command = [sys.executable, str(here), model, str(size[0]), str(size[1]), mode]
    command += [str(bench.device), str(int(bench.tiny))]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=bench.left_s - 5, env=environment
        )
    except subprocess.TimeoutExpired:
        return {"skipped": "stopped when time was up"}
    if done.returncode:
        lines = done.stderr.splitlines()
        raise RuntimeError(_last([line for line in lines if "Error" in line] or lines))
    result: dict[str, Any] = json.loads(_last(done.stdout.splitlines()))
    say(f"  {result}")
    return result


def _last(lines: Sequence[str]) -> str:
    return next((line for line in reversed(lines) if line.strip()), "it said nothing")
