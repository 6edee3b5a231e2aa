"""Ceilings of the machine, measured beside the stages that are a share of them."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from statistics import median

import torch
from torch import Tensor

ROUND_S = 0.4  # of measuring, each
# Large enough that a larger one is no faster, small enough for a round.
MATMUL_SIDE = {"cpu": 2048, "cuda": 8192}
COPIED_BYTES = {"cpu": 256 << 20, "cuda": 1 << 30}  # many times what caches hold
BUS_BYTES = 128 << 20


def ceilings(device: torch.device, dtypes: Sequence[torch.dtype]) -> dict[str, float]:
    """Measure ``matmul …`` of each type in FLOP/s; ``copy``, ``upload``, ``download`` in byte/s.

    A copy counts what it reads and what it writes, the two ways over the bus each byte once.
    """
    found = {f"matmul {_name(dtype)}": matmul_flops(device, dtype) for dtype in dtypes}
    found["copy"] = copy_bytes(device)
    if device.type == "cuda":
        found |= bus_bytes(device)
    return found


def _name(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")


def types_of(device: torch.device, engine_dtype: torch.dtype) -> list[torch.dtype]:
    """Return float32, and the types that the engine and the device multiply in."""
    wanted = [torch.float32, engine_dtype] if engine_dtype.is_floating_point else [torch.float32]
    if device.type == "cuda":
        wanted += [torch.float16, torch.bfloat16]
    return list(dict.fromkeys(wanted))


def matmul_flops(device: torch.device, dtype: torch.dtype) -> float:
    """Measure a square product of normal numbers: zeros would draw less power, and run faster."""
    side = MATMUL_SIDE[device.type]
    a, b = (torch.randn(side, side, device=device).to(dtype) for _ in range(2))
    out = torch.empty_like(a)
    return 2 * side**3 / seconds(device, lambda: torch.mm(a, b, out=out))


def copy_bytes(device: torch.device) -> float:
    source = torch.randint(0, 256, (COPIED_BYTES[device.type],), dtype=torch.uint8, device=device)
    target = torch.empty_like(source)
    return 2 * source.nbytes / seconds(device, lambda: target.copy_(source))


def bus_bytes(device: torch.device) -> dict[str, float]:
    """Measure copies from page-locked memory to the device, and back."""
    host = torch.zeros(BUS_BYTES, dtype=torch.uint8, pin_memory=True)
    there = torch.zeros(BUS_BYTES, dtype=torch.uint8, device=device)
    up = seconds(device, lambda: there.copy_(host, non_blocking=True))
    down = seconds(device, lambda: host.copy_(there, non_blocking=True))
    return {"upload": BUS_BYTES / up, "download": BUS_BYTES / down}


@torch.inference_mode()
def seconds(device: torch.device, work: Callable[[], Tensor]) -> float:
    """Return the median of calls over ``ROUND_S``, at least three, after two that do not count."""
    times: list[float] = []
    for _ in range(2):
        work()
    while len(times) < 3 or sum(times) < ROUND_S:
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        begin = time.perf_counter()
        work()
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        times.append(time.perf_counter() - begin)
    return median(times)
