"""Benchmark of 8 bits on this CPU: speed against the engine that ships, and quality.

    pip install openvino onnxruntime
    python benchmarks/int8.py --model lite-x4 --size 320x180 --photos PHOTOS --data SETS

PHOTOS are photographs from which ONNX Runtime gets steps that the others do without, SETS the
folder of Set5 and Set14. Engines take turns in one process; times are medians.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # before torch: as vidsr itself has it

import torch
from int8_engines import OnnxRuntime, OpenVino, TorchInt8, onnx_bytes
from int8_quantise import coded
from torch import Tensor

from vidsr import Upscaler
from vidsr.degradation.recipe import Recipe
from vidsr.engines.openvino_int8.engine import OpenVinoEngine
from vidsr.engines.openvino_int8.lite_steps import load_steps
from vidsr.engines.pytorch.engine import TorchEngine
from vidsr.engines.selection.accuracy_check import waves
from vidsr.models.networks.lite import Lite
from vidsr.models.zoo import Model, load_model
from vidsr.quality.set_scores import score_sets, set_means
from vidsr.training.tools.find_steps import low_pictures

Run = Callable[[Tensor], Tensor]
BASE, MATMUL = "torch bf16", "matmul bf16 1024"
PHOTOGRAPHS = 24
SIDE = 1024


def engines(model: Model, size: tuple[int, int], photos: Path, threads: int) -> dict[str, Run]:
    net = model.module
    assert isinstance(net, Lite)
    net.requires_grad_(False)
    pictures = low_pictures(photos, model.config.scale, Recipe.load("bicubic"), PHOTOGRAPHS)
    codes = coded(net, load_steps(model), pictures)
    square = torch.randn(SIDE, SIDE).bfloat16()
    return {
        BASE: TorchEngine(model, device="cpu").run,
        "torch int8": TorchInt8(net, codes, size),
        "openvino float": OpenVino(onnx_bytes(net, size), threads),
        "openvino int8": OpenVinoEngine(model).run,
        "onnxruntime fp32": OnnxRuntime(onnx_bytes(net, size), threads),
        "onnxruntime int8": OnnxRuntime(onnx_bytes(net, size, codes, results=True), threads),
        MATMUL: lambda x: square @ square,
    }


def timed(runs: dict[str, Run], x: Tensor, repeats: int) -> dict[str, tuple[float, float]]:
    """Return median wall and CPU seconds of each, in turns after three runs that do not count."""
    samples: dict[str, list[tuple[float, float]]] = {name: [] for name in runs}
    for turn in range(-3, repeats):
        for name, run in runs.items():
            cpu, wall = time.process_time(), time.perf_counter()
            run(x)
            taken = time.perf_counter() - wall, time.process_time() - cpu
            if turn >= 0:
                samples[name].append(taken)
    return {name: (median(w for w, _ in s), median(c for _, c in s)) for name, s in samples.items()}


def print_speed(times: dict[str, tuple[float, float]], flop: float) -> None:
    print("| | wall ms | ratio | processor ms | ratio | of a bf16 matmul's rate |")
    print("| --- | ---: | ---: | ---: | ---: | ---: |")
    ceiling = 2 * SIDE**3 / times[MATMUL][1]
    for name, (wall, cpu) in times.items():
        ratios = [base / own for base, own in zip(times[BASE], (wall, cpu), strict=True)]
        share = 1.0 if name == MATMUL else flop / cpu / ceiling
        walls = f"{1e3 * wall:.1f} | {ratios[0]:.2f}"
        print(f"| {name} | {walls} | {1e3 * cpu:.1f} | {ratios[1]:.2f} | {share:.0%} |")


def print_quality(name: str, data: Path) -> None:
    print("\n| | Set5 | Set14 |\n| --- | ---: | ---: |")
    chosen = {
        "fp32": Upscaler(name, device="cpu", precision="fp32"),
        "auto": Upscaler(name, device="cpu", engine="torch"),
        "openvino int8": Upscaler(name, device="cpu", engine="openvino"),
    }
    for what, upscaler in chosen.items():
        scores = set_means(score_sets(upscaler, data, scale=upscaler.scale))
        row = " | ".join(f"{scores[group]['model_db']:.2f}" for group in ("Set5", "Set14"))
        print(f"| {what} | {row} |")


def work(net: Lite, size: tuple[int, int]) -> float:
    """Count the floating-point operations of a picture."""
    convs = (net.head, *net.body, net.tail)
    weights: int = sum(conv.weight.numel() for conv in convs)
    return 2.0 * weights * size[0] * size[1]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="lite-x4")
    parser.add_argument("--size", default="320x180", help="of the input (320x180)")
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--repeats", type=int, default=25)
    parser.add_argument("--photos", type=Path, required=True)
    parser.add_argument("--data", type=Path, help="Set5 and Set14; without it, no quality")
    args = parser.parse_args()
    width, height = map(int, args.size.split("x"))
    torch.set_num_threads(args.threads)
    model = load_model(args.model)
    if not isinstance(model.module, Lite) or model.config.stride != 1:
        raise SystemExit(f"{args.model}: only lite networks of stride 1")
    runs = engines(model, (height, width), args.photos, args.threads)
    x = waves(torch.empty(1, 1, height, width))
    print(f"{args.model}, {args.size}, {args.threads} threads\n")
    print_speed(timed(runs, x, args.repeats), work(model.module, (height, width)))
    if args.data:
        print_quality(args.model, args.data)


if __name__ == "__main__":
    main()
