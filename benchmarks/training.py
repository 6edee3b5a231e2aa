"""Cost of a training step, and the share of it that cutting crops takes.

    python benchmarks/training.py --models lite srresnet --seconds 5

For each preset: milliseconds a step (median of rounds), the share of cutting crops out of the
pool, and for SRResNet the step through the plain tail against the one through the phase tail.
On CUDA the step is the captured one. Pictures are noise: their content costs nothing.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from statistics import median
from typing import Any
from unittest import mock

import torch

import vidsr.training.networks.student as student_module
from vidsr.engines.devices import resolve_device
from vidsr.training.data.crop_pool import CropPool, TrainingPair
from vidsr.training.networks.student import build_student
from vidsr.training.options import Options, preset
from vidsr.training.steps.fidelity import Fidelity
from vidsr.training.steps.graphed_step import GraphedStep

WARM_UP = 5


def noise_pool(options: Options, device: torch.device) -> CropPool:
    side, scale = 4 * options.crop, options.scale
    shape = (options.channels, side, side)
    low = torch.randint(0, 256, shape, dtype=torch.uint8)
    high = low.repeat_interleave(scale, 1).repeat_interleave(scale, 2)
    return CropPool([TrainingPair(low, high)] * 8, scale=scale, crop=options.crop, device=device)


def milliseconds(work: Callable[[], object], seconds: float, device: torch.device) -> float:
    """Return the median time of a call; it includes waiting for the device."""
    times: list[float] = []
    for _ in range(WARM_UP):
        work()
    begun = time.perf_counter()
    while time.perf_counter() - begun < seconds or len(times) < 3:
        mark = time.perf_counter()
        work()
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        times.append(1000 * (time.perf_counter() - mark))
    return median(times)


def measure(model: str, device: torch.device, seconds: float) -> dict[str, Any]:
    options = preset(model, data="noise", steps=1)
    pool = noise_pool(options, device)
    student = build_student(options.config(), seed=0, middle=options.middle).to(device)
    learner = Fidelity(student, options, device)

    def step(draws: torch.Tensor) -> dict[str, torch.Tensor]:
        return learner.learn(*pool.cut(draws), 0)

    draws = pool.draw(options.batch, 0, 0).to(device)
    run = GraphedStep(step, device) if device.type == "cuda" else step
    step_ms = milliseconds(lambda: run(pool.draw(options.batch, 0, 0).to(device)), seconds, device)
    crops_ms = milliseconds(lambda: pool.cut(draws), seconds / 4, device)
    return {
        "model": model,
        "batch": options.batch,
        "crop": options.crop,
        "step_ms": round(step_ms, 2),
        "steps_per_s": round(1000 / step_ms, 2),
        "crops_share": round(crops_ms / step_ms, 4),
    }


def plain_tail(device: torch.device, seconds: float) -> dict[str, Any]:
    """Measure SRResNet's step with its tail as published."""
    with mock.patch.object(student_module, "fast_forward", lambda net, x: net(x)):
        return {**measure("srresnet", device, seconds), "model": "srresnet, plain tail"}


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--models", nargs="+", default=["lite", "srresnet"], metavar="NAME")
    parser.add_argument("--seconds", type=float, default=5.0, help="of each measurement")
    parser.add_argument("--threads", type=int, help="threads of the CPU")
    parser.add_argument("--device", default="auto")
    arguments = parser.parse_args()
    if arguments.threads:
        torch.set_num_threads(arguments.threads)
    device = resolve_device(arguments.device)
    rows = [measure(model, device, arguments.seconds) for model in arguments.models]
    if "srresnet" in arguments.models:
        rows.append(plain_tail(device, arguments.seconds))
    machine = torch.cuda.get_device_name(device) if device.type == "cuda" else "processor"
    print(
        json.dumps({"device": machine, "threads": torch.get_num_threads(), "rows": rows}, indent=1)
    )


if __name__ == "__main__":
    main()
