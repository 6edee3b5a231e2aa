"""Ceilings of the machine: every other number of `gpu.py` is a share of these."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from gpu_timing import Bench, call_ms, guarded, rounded
from torch import Tensor


def ceilings(bench: Bench) -> dict[str, Any]:
    """Measure copies within the device, a matrix product in fp16, and copies over the bus."""
    measures: dict[str, Callable[[Bench], float]] = {
        "copy_gb_per_s": copy_gb_per_s,
        "matmul_tflop_per_s": matmul_tflop_per_s,
        "upload_gb_per_s": lambda b: bus_gb_per_s(b, up=True, down=False),
        "download_gb_per_s": lambda b: bus_gb_per_s(b, up=False, down=True),
        "both_ways_gb_per_s": lambda b: bus_gb_per_s(b, up=True, down=True),
    }
    rows = {
        name: guarded(f"ceilings {name}", partial(_valued, measure, bench))
        for name, measure in measures.items()
    }
    values = {name: row["value"] for name, row in rows.items() if "value" in row}
    errors = {name: row["error"] for name, row in rows.items() if "error" in row}
    return rounded({**dict.fromkeys(measures), **values}) | ({"errors": errors} if errors else {})


def _valued(measure: Callable[[Bench], float], bench: Bench) -> dict[str, Any]:
    return {"value": measure(bench)}


def copy_gb_per_s(bench: Bench) -> float:
    """Return bytes read and written by a copy of 1 GiB."""
    count = bench.pick(1 << 30, 1 << 20)
    source = torch.randint(0, 256, (count,), dtype=torch.uint8, device=bench.device)
    target = torch.empty_like(source)
    return 2 * count / call_ms(bench, lambda: target.copy_(source)) / 1e6


def matmul_tflop_per_s(bench: Bench) -> float:
    """Multiply 8192 cubed, normal numbers: zeros would draw less power and run faster."""
    side = bench.pick(8192, 64)
    dtype = torch.float16 if bench.cuda else torch.float32
    a, b = (torch.randn(side, side, device=bench.device).to(dtype) for _ in range(2))
    out = torch.empty_like(a)
    return 2 * side**3 / call_ms(bench, lambda: torch.mm(a, b, out=out)) / 1e9


def bus_gb_per_s(bench: Bench, *, up: bool, down: bool) -> float:
    """Copy page-locked memory to the device, back, or both at once (then of both together)."""
    count = bench.pick(256 << 20, 1 << 16)

    def pair() -> tuple[Tensor, Tensor]:
        host = torch.zeros(count, dtype=torch.uint8, pin_memory=bench.cuda)
        return host, torch.zeros(count, dtype=torch.uint8, device=bench.device)

    pairs = [pair()[::-1]] * up + [pair()] * down  # (target, source)
    if not bench.cuda:
        return len(pairs) * count / call_ms(bench, lambda: [t.copy_(s) for t, s in pairs]) / 1e6
    streams = [
        torch.cuda.Stream(bench.device)  # type: ignore[no-untyped-call]
        for _ in pairs
    ]

    def copies() -> None:
        current = torch.cuda.current_stream(bench.device)
        for (target, source), stream in zip(pairs, streams, strict=True):
            stream.wait_stream(current)
            with torch.cuda.stream(stream):
                target.copy_(source, non_blocking=True)
        for stream in streams:
            current.wait_stream(stream)

    return len(pairs) * count / call_ms(bench, copies) / 1e6
