"""Quality of networks in symmetric 8-bit codes, and how near ONNX Runtime comes to them.

    python benchmarks/int8_onnx.py lite-x4 srresnet-x4 --data SETS --json NAME.json
    python benchmarks/int8_onnx.py lite-x4 --learned RUN/model.safetensors --data SETS

Each network is scored on Set5 and Set14 in float32 and rounded to codes in PyTorch, as
``vidsr-engine export --precision int8`` writes them; ``--learned`` is the same network after
``vidsr-train --quantise int8``. The exported file then runs in ONNX Runtime on pictures of Set5,
and is compared with the rounded network.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from vidsr.engines.devices import DTYPES
from vidsr.engines.onnx_files.export import export_onnx
from vidsr.engines.onnx_files.facts import FloatType, read_facts
from vidsr.engines.pytorch.engine import TorchEngine
from vidsr.engines.pytorch.inference_net import InferenceNet
from vidsr.engines.quantised.codes import CodeType
from vidsr.engines.quantised.networks import load_steps_of, quantisable, quantised_net
from vidsr.models.checkpoint import Generator
from vidsr.models.networks.phase_net import PhaseNet
from vidsr.models.zoo import Model, load_model
from vidsr.quality.metrics.measure import mean_score
from vidsr.quality.pairs import benchmark_pairs
from vidsr.quality.set_scores import SETS, score_sets
from vidsr.training.data.crop_pool import to_luma
from vidsr.upscaling.transform import enlarge_rgb
from vidsr.video.still_images import read_rgb, to_bytes, to_unit

LARGEST_SIDE = 96  # of the pictures that ONNX Runtime gets, low-resolution pixels


@dataclass(frozen=True)
class Quality:
    """PSNR on Y of one form of a network, in dB."""

    network: str
    numbers: str
    set5_db: float
    set14_db: float


@dataclass(frozen=True)
class Equality:
    """Distance of ONNX Runtime from the rounded network, over pictures of Set5."""

    network: str
    numbers: str
    floats: str
    psnr_db: float
    greatest_levels: float


def rounded(model: Model, codes: CodeType, floats: FloatType = "fp32") -> PhaseNet:
    net = quantisable(model.module, model.name)
    return quantised_net(net, load_steps_of(model).layers, codes, DTYPES[floats])


def score(name: str, numbers: str, module: Generator, data: Path) -> Quality:
    engine = TorchEngine(module, device="cpu", precision="fp32")

    def upscale(picture: Tensor) -> Tensor:
        return to_bytes(enlarge_rgb(to_unit(picture), engine, None))

    rows = score_sets(upscale, data, scale=module.config.scale)
    means = [mean_score("psnr", [r.model_db for r in rows if r.dataset == g]) for g in SETS]
    return Quality(name, numbers, *(round(mean, 3) for mean in means))


def qualities(args: argparse.Namespace) -> Iterator[Quality]:
    for name in args.models:
        model = load_model(name)
        yield score(name, "float32", model.module, args.data)
        for codes in args.codes:
            yield score(name, f"{codes}, observed", rounded(model, codes), args.data)
    for path in args.learned:
        model = load_model(path)
        name = path.parent.name
        yield score(name, "float32", model.module, args.data)
        for codes in args.codes:
            yield score(name, f"{codes}, learned", rounded(model, codes), args.data)


def pictures(model: Model, data: Path) -> list[Tensor]:
    pairs = benchmark_pairs(data, ["Set5"], model.config.scale)
    lows = [read_rgb(pair.lr)[:, :LARGEST_SIDE, :LARGEST_SIDE] for pair in pairs if pair.lr]
    return [to_unit(low if model.config.channels == 3 else to_luma(low))[None] for low in lows]


def in_runtime(data: bytes, x: Tensor) -> Tensor:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
    facts = read_facts(data)
    (y,) = session.run(None, {"x": x.to(DTYPES[facts.input_type]).numpy()})
    return torch.from_numpy(y).float() + facts.offset


@torch.no_grad()
def equality(name: str, codes: CodeType, floats: FloatType, data: Path) -> Equality:
    model = load_model(name)
    file = export_onnx(model, precision=codes, floats=floats)
    net = InferenceNet(rounded(model, codes, floats), torch.float32)
    errors = [in_runtime(file, x) - net(x) for x in pictures(model, data)]
    mean = torch.cat([error.flatten() for error in errors]).square().mean()
    greatest = max(float(error.abs().max()) for error in errors)
    psnr_db = round(float(-10 * mean.log10()), 1)
    return Equality(name, codes, floats, psnr_db, round(255 * greatest, 3))


def table(rows: list[Any]) -> str:
    if not rows:
        return ""
    names = list(asdict(rows[0]))
    lines = [names, ["---"] * len(names), *(list(map(str, asdict(row).values())) for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("models", nargs="*", help="names or paths of networks with steps")
    parser.add_argument("--learned", type=Path, action="append", default=[])
    parser.add_argument("--codes", action="append", choices=("int8", "fp8"), default=[])
    parser.add_argument("--data", type=Path, required=True, help="Set5 and Set14")
    parser.add_argument("--skip-runtime", action="store_true", help="leave ONNX Runtime out")
    parser.add_argument("--skip-scores", action="store_true", help="measure ONNX Runtime alone")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--json", type=Path, help="the target for the numbers")
    args = parser.parse_args()
    args.codes = args.codes or ["int8", "fp8"]
    torch.set_num_threads(args.threads)
    scores = [] if args.skip_scores else list(qualities(args))
    print(table(scores), flush=True)
    equal = []
    if not args.skip_runtime:
        equal = [
            equality(name, codes, floats, args.data)
            for name in args.models
            for codes in args.codes
            for floats in ("fp32", "fp16")
        ]
        print("\n" + table(equal))
    if args.json:
        found = {"quality": list(map(asdict, scores)), "equality": list(map(asdict, equal))}
        args.json.write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
