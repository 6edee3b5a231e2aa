"""Learned degradation on halves of clips it has not seen: is it taken for real, does it teach.

    python benchmarks/learned_degradation.py --photos DIR --split photos
    vidsr-train photos/learn --unpaired FOOTAGE --portion 0-50% --out camera --steps 1200
    vidsr-train photos/learn --init lite-x4 --out by-recipe --recipe surveillance --steps 1000
    vidsr-train photos/learn --init lite-x4 --out by-learned --recipe camera/recipe.toml \\
        --steps 1000
    python benchmarks/learned_degradation.py --photos DIR --footage FOOTAGE --json RESULTS.json \\
        --recipe bicubic --recipe surveillance --recipe codecs --recipe camera/recipe.toml \\
        --model bicubic --model lite-x4 --model by-recipe --model by-learned

Material: every third photograph is kept for judging (``--split`` writes two folders of links, of
which the runs learn from ``learn``); of each clip the first half taught, the second judges.

1. A small network learns to tell patches of the first halves from degraded photographs, and is
   tried on patches of the second halves and of photographs that nothing has learned from. An
   accuracy of 0.5 is a toss. It sees either whole patches or their detail alone: what is coarser
   than 9 pixels is the scene. With ``--own`` the frames themselves, halved, are degraded, so that
   both sides show the same things.
2. Models upscale frames of the second halves; NIQE of their luma, lower is better, and how much of
   it is finer than 9 pixels.
"""

from __future__ import annotations

import argparse
import json
import random
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean, stdev

import torch
from torch import Tensor
from torch.nn import functional as F

from vidsr.degradation.recipe import Recipe
from vidsr.engines.pytorch.engine import TorchEngine
from vidsr.models.shipped import find_weights, model_title
from vidsr.models.zoo import load_model
from vidsr.picture.conversion import yuv_to_rgb
from vidsr.picture.size import Size
from vidsr.quality.baselines import bicubic
from vidsr.quality.metrics.niqe import niqe
from vidsr.quality.metrics.psnr import luma_601
from vidsr.quality.sheets.sheet import contact_sheet, detailed_window
from vidsr.training.data.crop_pool import CropPool, TrainingPair
from vidsr.training.data.degraded import moving_pair
from vidsr.training.data.video_runs import runs_of
from vidsr.training.networks.discriminator import build_discriminator
from vidsr.training.options import preset
from vidsr.training.portions import parse_portion
from vidsr.training.unpaired.critic import GAIN, detail
from vidsr.upscaling.transform import enlarge_rgb
from vidsr.video.image_sequences import picture_files
from vidsr.video.still_images import read_rgb, to_bytes, to_unit, write_png

SCALE, PATCH, BATCH, SPOTS, SIDE = 4, 48, 16, 24, 72
JUDGED_EVERY = 3  # photographs
CLIPS = 2  # of a photograph
View = Callable[[Tensor], Tensor]
VIEWS: dict[str, View] = {
    "all": lambda x: x,
    "detail": lambda x: 0.5 + GAIN * detail(x),
}


@dataclass(frozen=True)
class Half:
    """Pictures uint8 ``[3, h, w]``: to learn from, and to be tried on."""

    learn: list[Tensor]
    judge: list[Tensor]


def frames(folder: Path, portion: str, count: int) -> dict[str, list[Tensor]]:
    """Return frames of a portion of each video by its name, spread over its time."""
    found = {}
    for path in sorted(folder.glob("*.mp4")):
        runs = runs_of(path, parse_portion(portion), count, 1, random.Random(0))
        pictures = [to_bytes(yuv_to_rgb(run[0].planes, run[0].format)) for run in runs]
        found[path.stem] = pictures
    return found


def split(photos: Path) -> tuple[list[Path], list[Path]]:
    """Return photographs to learn from and to judge on."""
    files = picture_files(photos)
    return (
        [path for number, path in enumerate(files) if number % JUDGED_EVERY],
        files[::JUDGED_EVERY],
    )


def degraded(
    pictures: Iterable[Tensor], recipe: str, seed: int, scale: int = SCALE
) -> list[Tensor]:
    """Return windows of pictures as a recipe makes them for a network that is taught."""
    options = preset("lite", data="", scale=scale, crop=64, steps=1)
    loaded, found = Recipe.load(recipe), []
    for number, picture in enumerate(pictures):
        rng = random.Random(f"{seed} {number}")
        found += [moving_pair(picture, loaded, options, rng).low for _ in range(CLIPS)]
    return found


def degraded_halves(args: argparse.Namespace, real: Half, recipe: str) -> Half:
    """Return pictures that a recipe made: of photographs, or of the clips' own frames, halved."""
    if args.own:
        return Half(degraded(real.learn, recipe, 1, 2), degraded(real.judge, recipe, 2, 2))
    taught, judged = split(args.photos)
    return Half(
        degraded(map(read_rgb, taught), recipe, 1), degraded(map(read_rgb, judged), recipe, 2)
    )


def pool(pictures: list[Tensor]) -> CropPool:
    return CropPool([TrainingPair(p, p) for p in pictures], scale=1, crop=PATCH)


def accuracy(real: Half, fake: Half, view: View, *, steps: int, seed: int) -> float:
    """Return the share of patches that a network tells right, of those that it has not seen."""
    torch.manual_seed(seed)
    judge = build_discriminator("patch", width=16)
    adam = torch.optim.Adam(judge.parameters(), 1e-3, (0.5, 0.99))

    def logits(source: CropPool, batch: int, draw: int, step: int) -> Tensor:
        crops, _ = source.cut(source.draw(batch, draw, step))
        out: Tensor = judge(view(crops)).mean((1, 2, 3))
        return out

    sources = pool(real.learn), pool(fake.learn)
    for step in range(steps):
        for group in adam.param_groups:
            group["lr"] = 1e-3 * (1 - step / steps)
        seen, made = (logits(s, BATCH, 2 * seed + i, step) for i, s in enumerate(sources))
        loss = F.softplus(-seen).mean() + F.softplus(made).mean()
        adam.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        adam.step()
    judge.eval()
    with torch.no_grad():
        seen, made = (
            torch.cat([logits(pool(p), 64, 999 + i, step) for step in range(8)])
            for i, p in enumerate((real.judge, fake.judge))
        )
    return (float((seen > 0).float().mean()) + float((made < 0).float().mean())) / 2


def told_apart(args: argparse.Namespace) -> dict[str, object]:
    """Return the accuracy of each recipe against real frames, for both views."""
    halves = [frames(args.footage, portion, SPOTS) for portion in ("0-50%", "50-100%")]
    real = Half(*([p for clip in half.values() for p in clip] for half in halves))
    scenes = "the same scenes" if args.own else "photographs"
    found: dict[str, object] = {}
    for recipe in args.recipe:
        fake = degraded_halves(args, real, recipe)
        for name, view in VIEWS.items():
            values = [
                accuracy(real, fake, view, steps=args.steps, seed=seed)
                for seed in range(args.repeats)
            ]
            spread = stdev(values) if len(values) > 1 else 0.0
            found[f"{_title(recipe)}, {scenes}, sees {name}"] = {
                "accuracy": fmean(values),
                "spread": spread,
            }
            print(
                f"{recipe:40} sees {name:7} accuracy {fmean(values):.3f} +- {spread:.3f}",
                flush=True,
            )
    return found


def scored(args: argparse.Namespace) -> dict[str, object]:
    """Return NIQE of every model on each clip's second half."""
    clips = frames(args.footage, "50-100%", args.frames)
    found: dict[str, object] = {}
    for name in args.model:
        engine = None if name == "bicubic" else TorchEngine(load_model(name), device="cpu")
        title = name if engine is None else model_title(find_weights(name))
        row = {}
        for clip, pictures in clips.items():
            planes = [luma_601(_large(p, engine)) for p in pictures]
            row[clip] = {
                "niqe": fmean(niqe(plane) for plane in planes),
                "detail_levels": fmean(detail_levels(plane) for plane in planes),
            }
        found[title] = row
        print(f"{title:30} {row}", flush=True)
    return found


def detail_levels(plane: Tensor) -> float:
    """Return the rms of what is finer than 9 pixels in a plane of luma, in levels."""
    return float(detail(plane.float()[None, None]).square().mean().sqrt())


def _large(picture: Tensor, engine: TorchEngine | None) -> Tensor:
    if engine is None:
        return bicubic(picture, SCALE)
    return to_bytes(enlarge_rgb(to_unit(picture), engine, None))


def drawn(args: argparse.Namespace) -> Tensor:
    """Return photographs that nothing learned from through each recipe, beside real frames."""
    rows = 4
    _, judged = split(args.photos)
    columns = {
        _title(r): degraded(map(read_rgb, judged[:rows]), r, 2)[::CLIPS] for r in args.recipe
    }
    clips = frames(args.footage, "50-100%", rows // 2)
    columns["real"] = [picture for clip in clips.values() for picture in clip][:rows]
    cells = [[_enlarged(_busiest(p)) for p in column] for column in columns.values()]
    return contact_sheet(list(zip(*cells, strict=True)), tuple(columns))


def _busiest(picture: Tensor) -> Tensor:
    top, left, height, width = detailed_window(luma_601(picture), Size(SIDE, SIDE))
    return picture[:, top : top + height, left : left + width]


def _enlarged(picture: Tensor) -> Tensor:
    return picture.repeat_interleave(2, 1).repeat_interleave(2, 2)


def _title(recipe: str) -> str:
    path = Path(recipe)
    return f"learned, {path.parent.name}" if path.suffix == ".toml" else recipe


def link(photos: Path, target: Path) -> None:
    """Write folders ``learn`` and ``judge`` of links to photographs."""
    for name, paths in zip(("learn", "judge"), split(photos), strict=True):
        (target / name).mkdir(parents=True, exist_ok=True)
        for path in paths:
            (target / name / path.name).symlink_to(path.resolve())


def main() -> None:
    """Measure, print, and write the results."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--photos", type=Path, required=True)
    parser.add_argument("--split", type=Path, help="write two folders of links there, and stop")
    parser.add_argument("--footage", type=Path)
    parser.add_argument("--recipe", action="append", default=[], help="to tell from real; again")
    parser.add_argument(
        "--own", action="store_true", help="degrade the clips' own frames, halved, not photographs"
    )
    parser.add_argument("--model", action="append", default=[], help="to score; may be repeated")
    parser.add_argument("--steps", type=int, default=300)
    parser.add_argument("--repeats", type=int, default=2)
    parser.add_argument("--frames", type=int, default=3, help="of each clip, for NIQE")
    parser.add_argument("--sheet", type=Path, help="draw the recipes there, and stop")
    parser.add_argument("--json", type=Path, help="results are added to those that are there")
    args = parser.parse_args()
    torch.set_num_threads(1)
    if args.split is not None:
        return link(args.photos, args.split)
    if args.sheet is not None:
        return write_png(args.sheet, drawn(args))
    kept = args.json is not None and args.json.is_file()
    results = json.loads(args.json.read_text()) if kept else {"told apart": {}, "niqe": {}}
    results["told apart"] |= told_apart(args) if args.recipe else {}
    results["niqe"] |= scored(args) if args.model else {}
    if args.json:
        args.json.write_text(json.dumps(results, indent=1) + "\n")
    return None


if __name__ == "__main__":
    main()
