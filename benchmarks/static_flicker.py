"""Flicker of coded static clips beside the changes that their originals have themselves.

    python benchmarks/static_flicker.py CLIP... --codec h264:18,23,28,33 --json result.json

Each clip is shrunk four times and encoded as ``vidsr-eval`` does, and upscaled by bicubic
interpolation and by a model at several strengths. ``flicker`` is change between frames that the
original does not have; ``change`` is all of it, in levels rms, and so is ``original_change``, that
of the original. ``psnr`` is that of luma.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))  # a checkout of which nothing is installed

from vidsr import Upscaler  # noqa: E402
from vidsr.quality.baselines import BASELINES  # noqa: E402
from vidsr.quality.footage.codings import Coding, parse_codings  # noqa: E402
from vidsr.quality.footage.encode import write_clip  # noqa: E402
from vidsr.quality.footage.methods import clip_filters, clip_models  # noqa: E402
from vidsr.quality.footage.originals import Clip, Original, read_original  # noqa: E402
from vidsr.quality.metrics.flicker import Flicker  # noqa: E402
from vidsr.quality.metrics.psnr import psnr_db  # noqa: E402

SCALE, START_S = 4, 0.4
STRENGTHS: tuple[Any, ...] = (0, "auto", 1.25, 1.5, 2)


def change(planes: Sequence[Tensor]) -> float:
    """Return the change from plane to plane in levels rms."""
    still = Flicker()
    for plane in planes:
        still.add(plane, torch.zeros_like(plane))
    return still.rms


def scored(planes: Sequence[Tensor], originals: Sequence[Tensor]) -> dict[str, float]:
    """Return the flicker, the change and the PSNR of an output."""
    flicker, pairs = Flicker(), list(zip(planes, originals, strict=True))
    for plane, original in pairs:
        flicker.add(plane, original)
    psnr = sum(psnr_db(plane, original, border=SCALE) for plane, original in pairs) / len(pairs)
    found = {"flicker": flicker.rms, "change": change(planes), "psnr": psnr}
    return {name: round(value, 3) for name, value in found.items()}


def measure(original: Original, coding: Coding, upscalers: dict[str, Upscaler]) -> dict[str, Any]:
    """Return the scores of every method for one encode."""
    with tempfile.TemporaryDirectory() as folder:
        small = Clip(Path(folder) / "small.mkv")
        write_clip(small.path, original.small, coding)
        large = [frame.planes[0] for frame in original.large]
        row: dict[str, Any] = {"clip": original.name, "coding": str(coding)}
        row["original_change"] = round(change(large), 3)
        methods = clip_filters({"bicubic": BASELINES["bicubic"]}, SCALE) + clip_models(upscalers)
        for method in methods:
            planes = []
            for frame in method.upscale(small):
                planes.append(frame.planes[0].clone())
                frame.release()
            row[method.name] = scored(planes, large)
    return row


def rows(arguments: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """Yield the scores of every encode of every clip."""
    upscalers = {
        f"strength {strength}": Upscaler(arguments.model, device="cpu", strength=strength)
        for strength in STRENGTHS
    }
    for path in arguments.clips:
        original = read_original(Clip(path, START_S, arguments.frames), SCALE)
        for coding in parse_codings(arguments.codec or ["h264:18,23,28,33"]):
            yield measure(original, coding, upscalers)


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("clips", nargs="+", type=Path)
    parser.add_argument("--codec", action="append", metavar="NAME:QUALITY,...")
    parser.add_argument("--model", default="lite-x4")
    parser.add_argument("--frames", type=int, default=6)
    parser.add_argument("--json", type=Path, help="file for the result")
    arguments = parser.parse_args()
    found = []
    for row in rows(arguments):
        print(json.dumps(row), flush=True)
        found.append(row)
    if arguments.json:
        arguments.json.write_text(json.dumps({"rows": found}, indent=1) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
