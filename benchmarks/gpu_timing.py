"""Timing for `gpu.py`: events on a GPU, the clock on a CPU, medians of several rounds."""

from __future__ import annotations

import math
import sys
import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any, TypeVar

import torch
from torch import Tensor

Work = Callable[[], object]
T = TypeVar("T")

L2_BYTES = 300_000_000  # what buffers in rotation take together: five times an H200's L2
MOST_CALLS = 2000  # of a round


@dataclass(frozen=True)
class Bench:
    """Place and length of measuring; ``tiny`` is the rehearsal on a CPU."""

    device: torch.device
    tiny: bool
    rounds: int
    round_ms: float  # least length of a round
    deadline: float  # of time.perf_counter

    @property
    def cuda(self) -> bool:
        return self.device.type == "cuda"

    @property
    def left_s(self) -> float:
        return self.deadline - time.perf_counter()

    def pick(self, full: T, tiny: T) -> T:
        """Return the size for measuring, or the one for rehearsing."""
        return tiny if self.tiny else full

    def buffers(self, useful_bytes: int) -> int:
        """Return the number of sets of buffers in rotation that a cache does not hold."""
        return 2 if self.tiny else max(2, math.ceil(L2_BYTES / useful_bytes))


def say(text: str) -> None:
    """Print progress, for people."""
    print(text, file=sys.stderr, flush=True)


def guarded(name: str, work: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """Return the result of ``work``, or its error: one that fails does not lose the others."""
    begin = time.perf_counter()
    try:
        result = work()
    except Exception as error:
        traceback.print_exc()
        result = {"error": " ".join(f"{type(error).__name__}: {error}".split())[:400]}
    say(f"{name}: {time.perf_counter() - begin:.1f} s {result.get('error', '')}")
    return result


def synchronize(bench: Bench) -> None:
    if bench.cuda:
        torch.cuda.synchronize(bench.device)


def call_ms(bench: Bench, work: Work) -> float:
    """Return the median time of a call between events: of the device, or of a slower host."""
    work()
    count = 1
    if bench.round_ms:
        once = _elapsed_ms(bench, work, 1)
        count = min(MOST_CALLS, max(1, math.ceil(bench.round_ms / max(once, 1e-4))))
    return median(_elapsed_ms(bench, work, count) / count for _ in range(bench.rounds))


def _elapsed_ms(bench: Bench, work: Work, count: int) -> float:
    synchronize(bench)
    if not bench.cuda:
        begin = time.perf_counter()
        for _ in range(count):
            work()
        return 1000 * (time.perf_counter() - begin)
    start, end = (
        torch.cuda.Event(enable_timing=True)  # type: ignore[no-untyped-call]
        for _ in range(2)
    )
    start.record()
    for _ in range(count):
        work()
    end.record()
    end.synchronize()
    return float(start.elapsed_time(end))


def host_us(bench: Bench, work: Work) -> float:
    """Return the median time that one call keeps the host, without waiting for the device."""
    count = bench.pick(100, 1)
    times = []
    for _ in range(bench.rounds):
        synchronize(bench)
        begin = time.perf_counter()
        for _ in range(count):
            work()
        times.append(1e6 * (time.perf_counter() - begin) / count)
    synchronize(bench)
    return median(times)


def device_ms(bench: Bench, works: Sequence[Work]) -> tuple[float, str]:
    """Return the median time of one of ``works``, which take turns, and how it was taken.

    As one CUDA graph, because launching from Python takes longer than a kernel of 15 us; by
    single launches if the works cannot be captured.
    """

    def all_of_them() -> None:
        for work in works:
            work()

    all_of_them()  # compiles kernels, fills caches
    run, how = all_of_them, "launches"
    if bench.cuda:
        try:
            run, how = _captured(bench, all_of_them), "graph"
        except RuntimeError as error:
            say(f"  not captured: {str(error).splitlines()[0]}")
    return call_ms(bench, run) / len(works), how


def _captured(bench: Bench, work: Work) -> Callable[[], None]:
    stream = torch.cuda.Stream(bench.device)  # type: ignore[no-untyped-call]
    stream.wait_stream(torch.cuda.current_stream(bench.device))
    with torch.cuda.stream(stream):
        work()
    torch.cuda.current_stream(bench.device).wait_stream(stream)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph, stream=stream, capture_error_mode="thread_local"):
        work()
    return graph.replay


def replayed(work: Callable[[], Tensor]) -> tuple[Tensor, Callable[[], None]]:
    """Stand in for a captured graph if there is no CUDA: the work itself, into one tensor."""
    output = work().clone()

    def replay() -> None:
        output.copy_(work())

    return output, replay


def rounded(row: dict[str, Any]) -> dict[str, Any]:
    """Round to four significant digits, as many as such measurements have."""
    return {k: float(f"{v:.4g}") if isinstance(v, float) else v for k, v in row.items()}
