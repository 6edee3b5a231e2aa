"""Channels of a lite network taken out: what that gains in speed and costs in dB.

    python benchmarks/pruning.py cut lite-x4 --width 24 --photos PHOTOS -o lite-24.safetensors
    vidsr-train PHOTOS --out runs/24 --init lite-24.safetensors --rate 3e-4 --minutes 4
    python benchmarks/pruning.py table lite-x4 runs/*/model.safetensors --data SETS --json NAME.json

``cut`` leaves the most important channels of every layer, as many in each, and makes a network of
that width. What a channel is worth is the norm of the filter that makes it times that of the
weights that read it (``--by norm``), or how much the loss would change without it, to first order
(``--by taylor``; Molchanov et al., Pruning Convolutional Neural Networks, ICLR 2017). A short
training follows. ``table`` measures networks in turns, on one thread.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from itertools import pairwise
from pathlib import Path
from statistics import median

import torch
from torch import Tensor, nn

from vidsr import Upscaler
from vidsr.degradation.recipe import Recipe
from vidsr.degradation.stills import degrade_picture
from vidsr.engines.pytorch.engine import TorchEngine
from vidsr.engines.selection.accuracy_check import waves
from vidsr.models.checkpoint import build_generator, save_generator
from vidsr.models.networks.lite import Lite
from vidsr.models.zoo import load_model
from vidsr.quality.set_scores import score_sets, set_means
from vidsr.training.data.crop_pool import to_luma
from vidsr.video.image_sequences import picture_files
from vidsr.video.still_images import read_rgb, to_unit

PHOTOGRAPHS, SIDE = 24, 96  # pictures that Taylor importance is measured on, low-resolution pixels


@dataclass(frozen=True)
class Row:
    """Width, speed of the network alone and quality of one network."""

    network: str
    width: int
    cpu_ms: float
    ratio: float
    set5_db: float
    set14_db: float


def norm_importance(net: Lite) -> list[Tensor]:
    """Return [width] for each hidden layer: norm of what makes a channel times what reads it."""
    weights = [conv.weight for conv in (net.head, *net.body, net.tail)]
    return [
        before.flatten(1).norm(dim=1) * after.transpose(0, 1).flatten(1).norm(dim=1)
        for before, after in pairwise(weights)
    ]


def taylor_importance(net: Lite, pairs: Sequence[tuple[Tensor, Tensor]]) -> list[Tensor]:
    """Return [width] for each hidden layer: mean over pictures of |activation times gradient|."""
    totals = [torch.zeros(net.config.width) for _ in net.activations]
    seen: list[Tensor] = []

    def keep(_module: object, _inputs: object, output: Tensor) -> None:
        output.retain_grad()
        seen.append(output)

    hooks = [layer.register_forward_hook(keep) for layer in net.activations]
    for low, high in pairs:
        seen.clear()
        (net(low) - high).abs().mean().backward()
        for total, hidden in zip(totals, seen, strict=True):
            assert hidden.grad is not None
            total += (hidden * hidden.grad).sum((0, 2, 3)).abs().detach()
    for hook in hooks:
        hook.remove()
    return totals


@torch.no_grad()
def cut(net: Lite, importance: Sequence[Tensor], width: int) -> Lite:
    """Return a network of ``width`` with the most important channels, in the order they had."""
    small = build_generator(replace(net.config, width=width))
    assert isinstance(small, Lite)
    kept = [values.topk(width).indices.sort().values for values in importance]
    sources = [torch.arange(net.config.channels), *kept]
    targets = [*kept, torch.arange(net.tail.out_channels)]
    for own, old, source, target in zip(
        (small.head, *small.body, small.tail),
        (net.head, *net.body, net.tail),
        sources,
        targets,
        strict=True,
    ):
        own.weight.copy_(old.weight[target][:, source])
        own.bias.copy_(old.bias[target])
    for own, old, channels in zip(small.activations, net.activations, kept, strict=True):
        assert isinstance(own, nn.PReLU)
        assert isinstance(old, nn.PReLU)
        own.weight.copy_(old.weight[channels] if old.num_parameters > 1 else old.weight)
    return small.eval()


def pairs_of(photos: Path, scale: int) -> list[tuple[Tensor, Tensor]]:
    files, recipe = picture_files(photos), Recipe.load("bicubic")
    found = []
    for index, path in enumerate(files[:: max(1, len(files) // PHOTOGRAPHS)][:PHOTOGRAPHS]):
        high = read_rgb(path)[:, : SIDE * scale, : SIDE * scale]
        high = high[:, : high.shape[1] // scale * scale, : high.shape[2] // scale * scale]
        low = degrade_picture(high, recipe.sample(index), scale, seed=index)
        found.append((to_unit(to_luma(low))[None], to_unit(to_luma(high))[None]))
    return found


def run_cut(args: argparse.Namespace) -> None:
    net = load_model(args.model).module
    if not isinstance(net, Lite):
        raise SystemExit(f"{args.model}: expected a lite network")
    if args.by == "norm":
        importance = norm_importance(net)
    else:
        importance = taylor_importance(net, pairs_of(args.photos, net.config.scale))
    small = cut(net, importance, args.width)
    save_generator(args.output, small.config, small.state_dict())
    print(args.output)


def timed(engines: dict[str, TorchEngine], x: Tensor, repeats: int) -> dict[str, float]:
    """Return median milliseconds of processor time, in turns after three that do not count."""
    samples: dict[str, list[float]] = {name: [] for name in engines}
    for turn in range(-3, repeats):
        for name, engine in engines.items():
            began = time.process_time()
            engine.run(x)
            if turn >= 0:
                samples[name].append(1e3 * (time.process_time() - began))
    return {name: median(own) for name, own in samples.items()}


def run_table(args: argparse.Namespace) -> None:
    torch.set_num_threads(1)
    width, height = map(int, args.size.split("x"))
    models = {name: load_model(name) for name in args.models}
    engines = {name: TorchEngine(model, device="cpu") for name, model in models.items()}
    times = timed(engines, waves(torch.empty(1, 1, height, width)), args.repeats)
    rows = []
    for name, model in models.items():
        scores = set_means(
            score_sets(Upscaler(name, device="cpu", precision="fp32"), args.data, scale=model.scale)
        )
        own = times[name], times[args.models[0]] / times[name]
        quality = [scores[group]["model_db"] for group in ("Set5", "Set14")]
        label = Path(name).parent.name if "/" in name else name
        rows.append(Row(label, model.config.width, *(round(n, 2) for n in own), *quality))
    print("| network | width | processor ms | ratio | Set5 | Set14 |")
    print("| --- | ---: | ---: | ---: | ---: | ---: |")
    for row in rows:
        print(f"| {' | '.join(map(str, asdict(row).values()))} |")
    if args.json:
        found = {"size": args.size, "dtype": str(engines[args.models[0]].dtype)[6:]}
        args.json.write_text(
            json.dumps({**found, "rows": list(map(asdict, rows))}, indent=1) + "\n"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    commands = parser.add_subparsers(required=True)
    one = commands.add_parser("cut", help="take channels out of a network")
    one.add_argument("model")
    one.add_argument("--width", type=int, required=True, help="the channels that stay")
    one.add_argument("--by", choices=("norm", "taylor"), default="taylor")
    one.add_argument("--photos", type=Path, help="photographs, for --by taylor")
    one.add_argument("-o", "--output", type=Path, required=True)
    one.set_defaults(work=run_cut)
    many = commands.add_parser("table", help="measure networks; the first is what ratios are of")
    many.add_argument("models", nargs="+")
    many.add_argument("--data", type=Path, required=True, help="Set5 and Set14")
    many.add_argument("--size", default="320x180", help="of the input (320x180)")
    many.add_argument("--repeats", type=int, default=25)
    many.add_argument("--json", type=Path)
    many.set_defaults(work=run_table)
    args = parser.parse_args()
    args.work(args)


if __name__ == "__main__":
    main()
