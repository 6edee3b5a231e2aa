"""3x3 convolutions in float32 on this CPU: oneDNN's direct ones against NNPACK's.

``python benchmarks/convolution_forms.py`` shows from how many channels on ``--engine winograd`` is
faster. One thread, CPU time, rounds in an order that turns; ratios above 1 are faster than oneDNN.
Errors are the greatest against float64, of results with a standard deviation of 1.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

import torch
from foundation import circumstances
from torch import Tensor

from vidsr.engines.pytorch.winograd import require_winograd


class Shape(NamedTuple):
    """Channels in and out, and the size of the picture."""

    taken: int
    given: int
    width: int
    height: int


SHAPES = (
    Shape(64, 64, 320, 180),
    Shape(64, 64, 480, 270),
    Shape(48, 48, 320, 180),
    Shape(32, 32, 320, 180),
    Shape(128, 128, 160, 90),
    Shape(192, 32, 160, 90),
    Shape(64, 256, 160, 90),
    Shape(64, 12, 320, 180),
    Shape(3, 64, 320, 180),
)


def forms(shape: Shape) -> dict[str, Callable[[], Tensor]]:
    """Return the calls by name, of the same picture and weights; the first is what is compared."""
    torch.manual_seed(0)
    x = torch.randn(1, shape.taken, shape.height, shape.width)
    weight = torch.randn(shape.given, shape.taken, 3, 3) / (9 * shape.taken) ** 0.5
    zeros, ones = torch.zeros(shape.given), [1, 1]
    last, kernel = (one.contiguous(memory_format=torch.channels_last) for one in (x, weight))
    return {
        "oneDNN": partial(torch.mkldnn_convolution, last, kernel, zeros, ones, ones, ones, 1),
        "NNPACK": partial(torch._nnpack_spatial_convolution, x, weight, zeros, ones, ones),
        "float64": partial(torch.conv2d, x.double(), weight.double(), None, 1, 1),
    }


def measure(shape: Shape, rounds: int) -> dict[str, Any]:
    """Return milliseconds, ratios and errors by form."""
    calls = forms(shape)
    wanted = calls.pop("float64")()
    errors = {name: float((call() - wanted).abs().max()) for name, call in calls.items()}
    names, taken = list(calls), {name: [0.0] * rounds for name in calls}
    for number in range(rounds):
        turn = number % len(names)
        for name in names[turn:] + names[:turn]:
            begin_s = time.process_time()
            calls[name]()
            taken[name][number] = time.process_time() - begin_s
    direct = taken["oneDNN"]
    return {
        name: {
            "least_ms": round(1e3 * min(taken[name]), 2),
            "ratio": round(median(a / b for a, b in zip(direct, taken[name], strict=True)), 2),
            "error": errors[name],
        }
        for name in names
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="Measure forms of a 3x3 convolution.")
    parser.add_argument("--rounds", type=int, default=12, metavar="N", help="(12)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="a file for the result")
    args = parser.parse_args()
    torch.set_num_threads(1)
    require_winograd(torch.device("cpu"))
    results = {}
    with torch.inference_mode():
        for shape in SHAPES:
            name = f"{shape.taken} to {shape.given} channels, {shape.width}x{shape.height}"
            results[name] = measure(shape, args.rounds)
            print(name, json.dumps(results[name]), flush=True)
    if args.json:
        record = {"machine": circumstances(), "rounds": args.rounds, "results": results}
        args.json.write_text(json.dumps(record, indent=1) + "\n")


if __name__ == "__main__":
    main()
