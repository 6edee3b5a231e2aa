"""The network for cameras against the default: clips degraded as by a camera, then really coded.

    python benchmarks/camera_models.py CLIP... --seeds 6 --json FILE

Each clip goes through the recipe "surveillance" up to its codec. The codec writes a file, since the
default reads the strength out of the stream. Luma against the original, means over seeds.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from statistics import fmean
from tempfile import TemporaryDirectory
from typing import Any

import torch
from torch import Tensor

from vidsr.degradation.chain import Chain, Step
from vidsr.degradation.recipe import Recipe
from vidsr.picture.color import RANGE_LIMITED, ColorSpec
from vidsr.picture.conversion import rgb_to_yuv
from vidsr.picture.frame import Frame, VideoFormat
from vidsr.quality.baselines import BASELINES
from vidsr.quality.footage.codings import Coding
from vidsr.quality.footage.encode import write_clip
from vidsr.quality.footage.methods import ClipMethod, clip_filters, clip_models
from vidsr.quality.footage.originals import PIXEL, Clip, frames_of
from vidsr.quality.metrics.psnr import psnr_db
from vidsr.quality.metrics.ssim import SsimReference
from vidsr.quality.results import table
from vidsr.quality.video_scores import read_frames
from vidsr.upscaling.upscaler import Upscaler
from vidsr.video.codec_kinds import CODEC_KINDS
from vidsr.video.still_images import to_unit

SCALE, FRAMES, MULTIPLE = 4, 4, 8
RECIPE = "surveillance"
BT601 = ColorSpec(matrix=6, range=RANGE_LIMITED)


@dataclass(frozen=True)
class Task:
    """A clip as it was, and what the camera made of it before its codec.

    Attributes:
        original: Luma of each frame, ``[H, W]`` uint8.
        small: Frames to be coded.
        coding: Codec and quality.
    """

    original: tuple[Tensor, ...]
    small: tuple[Frame, ...]
    coding: Coding


def methods() -> list[ClipMethod]:
    """Return bicubic, the default with and without strength, and the network for cameras."""
    upscalers = {
        "lite-x4, strength 0": Upscaler("lite-x4", device="cpu", engine="torch", strength=0),
        "lite-x4": Upscaler("lite-x4", device="cpu", engine="torch"),
        "lite-surveillance-x4": Upscaler("lite-surveillance-x4", device="cpu", engine="torch"),
    }
    filters = clip_filters({"bicubic": BASELINES["bicubic"]}, SCALE)
    return [*filters, *clip_models(upscalers)]


def task_of(clip: Tensor, seed: int) -> Task:
    """Degrade ``[T, 3, H, W]`` in [0, 1] by what the recipe draws for a seed, codec aside."""
    chain = Recipe.load(RECIPE).sample(seed)
    last = next(step for step in chain.steps if step.op in CODEC_KINDS)
    before = Chain(tuple(s for s in chain.steps if s is not last and s.op != "drop_blocks"))
    small = before.apply(clip, SCALE)
    original = tuple(_frame(picture).planes[0] for picture in clip)
    return Task(original, tuple(_frame(picture) for picture in small), _coding(last))


def _coding(step: Step) -> Coding:
    return Coding(step.op, int(step.values[CODEC_KINDS[step.op].quality]))


def _frame(rgb: Tensor) -> Frame:
    layout = VideoFormat(rgb.shape[2], rgb.shape[1], PIXEL, BT601)
    return Frame(rgb_to_yuv(rgb, layout), layout)


def scores(task: Task, ways: Sequence[ClipMethod], folder: Path) -> Iterator[dict[str, Any]]:
    """Yield a row for each way to upscale: mean PSNR and SSIM, and the error that is expected."""
    coded = Clip(folder / "coded.mkv")
    write_clip(coded.path, task.small, task.coding)
    errors = [frame.coding_error for frame in frames_of(coded)]
    expected = fmean(error.levels for error in errors if error is not None)
    for way in ways:
        pairs = [
            (frame.planes[0].clone(), original)
            for frame, original in zip(way.upscale(coded), task.original, strict=True)
        ]
        yield {
            "method": way.name,
            "coding": str(task.coding),
            "expected_error": round(expected, 3),
            "psnr": fmean(psnr_db(large, original, border=SCALE) for large, original in pairs),
            "ssim": fmean(
                SsimReference(original, border=SCALE).score(large) for large, original in pairs
            ),
        }


def first_frames(path: Path) -> Tensor:
    """Return the first frames of a clip, ``[T, 3, H, W]`` in [0, 1], cut to whole small pixels."""
    clip = torch.stack([to_unit(frame) for frame in islice(read_frames(path), FRAMES)])
    height, width = (side // MULTIPLE * MULTIPLE for side in clip.shape[2:])
    return clip[..., :height, :width].contiguous()


def measure(clips: Sequence[Path], seeds: int) -> list[dict[str, Any]]:
    """Return a row for each clip, seed and way to upscale."""
    rows, ways = [], methods()
    for path in clips:
        clip = first_frames(path)
        for seed in range(seeds):
            with TemporaryDirectory(prefix="vidsr-cameras-") as folder:
                found = scores(task_of(clip, seed), ways, Path(folder))
                rows += [{"clip": path.name, "seed": seed, **row} for row in found]
            print(markdown([row for row in rows if row["clip"] == path.name]), flush=True)
    return rows


def markdown(rows: Sequence[Mapping[str, Any]]) -> str:
    """Return the table of mean PSNR (SSIM) by clip and way to upscale."""
    clips = list(dict.fromkeys(row["clip"] for row in rows))
    ways = list(dict.fromkeys(row["method"] for row in rows))

    def cell(clip: str, way: str) -> str:
        own = [row for row in rows if row["clip"] == clip and row["method"] == way]
        return f"{fmean(r['psnr'] for r in own):.2f} ({fmean(r['ssim'] for r in own):.4f})"

    return table(["", *ways], [[clip, *(cell(clip, way) for way in ways)] for clip in clips])


def main() -> None:
    """Measure, print the table and write all rows."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("clips", type=Path, nargs="+")
    parser.add_argument("--seeds", type=int, default=6, help="cameras for each clip (6)")
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    torch.set_num_threads(1)
    rows = measure(args.clips, args.seeds)
    if args.json:
        args.json.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")
    print(markdown(rows))


if __name__ == "__main__":
    main()
