"""What looking at luma gains on clips coded twice: ``CLIP... --model lite-x4 --json gain.json``.

Each clip is shrunk, coded once or twice, upscaled by every network of a model, and compared with
the original. Beside stand the error that is true, the one that the stream tells of, the one with the
look at luma, and what each of the two choices of a network scores.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import fmean
from tempfile import TemporaryDirectory
from typing import Any
from unittest.mock import patch

import av
import torch

import vidsr
from vidsr.models.strengths import Strengths
from vidsr.picture.frame import Frame, to_image
from vidsr.quality.footage.codings import Coding, parse_codings
from vidsr.quality.footage.encode import write_clip
from vidsr.quality.footage.originals import Clip, frames_of, read_original
from vidsr.quality.metrics.psnr import psnr_db
from vidsr.video.coding import coding_errors
from vidsr.video.coding.blind.estimate import NOTHING

LESS, FRAMES, SCORED = (320, 192), 12, (0, 8)
ONCE = "none h264:18 h264:23 h264:28 h264:33 h265:24 vp9:38 av1:40"
TWICE = "h264:28>h264:14 h264:33>h264:20 h264:28>none h265:30>h264:16 mpeg2:8>h264:18 vp9:46>none"


@dataclass(frozen=True)
class Pair:
    """A frame of a clip and the same shrunk."""

    large: Frame
    small: Frame


def middle(frame: Frame, size: tuple[int, int], by: int) -> Frame:
    """Return the middle of a frame of 4:2:0, ``by`` times as large as a size at the most."""
    layout = frame.format
    width, height = min(layout.width, size[0] * by), min(layout.height, size[1] * by)
    left, top = ((layout.width - width) // 2 // (2 * by) * 2 * by, (layout.height - height) // 2 // (2 * by) * 2 * by)
    part = replace(layout, width=width, height=height)
    planes = []
    for plane, (h, w), half in zip(frame.planes, part.plane_sizes, (1, 2, 2), strict=True):
        planes.append(plane[top // half : top // half + h, left // half : left // half + w].contiguous())
    return replace(frame, format=part, planes=tuple(planes))


def pairs(path: Path, start_s: float, scale: int) -> list[Pair]:
    """Return frames of a clip and the same shrunk."""
    found = read_original(Clip(path, start_s, FRAMES), scale)
    zipped = zip(found.large, found.small, strict=True)
    return [Pair(middle(a, LESS, scale), middle(b, LESS, 1)) for a, b in zipped]


def told(path: Path, *, look: bool) -> list[Frame]:
    """Return decoded frames with the errors that are told of them, with the look at luma or not."""
    if look:
        return list(frames_of(Clip(path)))
    with patch.object(coding_errors, "look", lambda *_, **__: NOTHING):
        return list(frames_of(Clip(path)))


def generations(first: Sequence[Frame], codings: Sequence[Coding], folder: Path) -> Path:
    """Return the file of frames coded once or twice."""
    frames = list(first)
    for number, coding in enumerate(codings):
        path = folder / f"{number}.mkv"
        write_clip(path, frames, coding)
        frames = told(path, look=False)
    return path


def levels_of(strengths: Strengths) -> list[float]:
    """Return an error in levels for each step of a model."""
    steps = {strengths.step_of(i / 50): i / 50 for i in range(1000, -1, -1)}
    return [steps[step] for step in range(strengths.last_step + 1)]


def scores(upscaler: Any, frames: Sequence[Frame], originals: Sequence[Pair], steps: Sequence[float]) -> list[float]:
    """Return the mean PSNR of each step over some frames."""
    found = []
    for levels in steps:
        each = []
        for i in SCORED:
            large = upscaler(to_image(frames[i]), coding_error=levels)
            luma = torch.from_numpy(large.to_ndarray()[: large.height])
            each.append(psnr_db(luma, originals[i].large.planes[0], border=upscaler.model.scale))
        found.append(fmean(each))
    return found


def measured(path: Path, start_s: float, codings: Sequence[str], upscaler: Any, strengths: Strengths) -> Iterator[dict[str, Any]]:
    """Yield a row for each chain of codecs."""
    originals = pairs(path, start_s, upscaler.model.scale)
    small = [each.small for each in originals]
    steps = levels_of(strengths)
    for chain in codings:
        with TemporaryDirectory() as name:
            parts = [parse_codings([each])[-1] for each in chain.split(">")]
            file = generations(small, parts, Path(name))
            before, after = told(file, look=False), told(file, look=True)
        apart = [(a.planes[0].float() - b.planes[0].float()).square().mean().sqrt() for a, b in zip(before, small, strict=True)]
        db = scores(upscaler, before, originals, steps)
        yield {"clip": path.stem, "coding": chain, "true": round(float(fmean(map(float, apart))), 2)} | said(before, after, db, strengths)


def said(before: Sequence[Frame], after: Sequence[Frame], db: Sequence[float], strengths: Strengths) -> dict[str, Any]:
    """Return what is told of the frames in both ways, and what the choices score."""
    row: dict[str, Any] = {}
    for name, frames in (("stream", before), ("luma", after)):
        errors = [frames[i].coding_error for i in SCORED]
        levels = [0.0 if each is None else each.levels for each in errors]
        row[name] = round(fmean(levels), 2)
        row[f"{name}_db"] = round(fmean(db[strengths.step_of(each)] for each in levels), 3)
    return row | {"by_step_db": [round(each, 3) for each in db]}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("clips", nargs="+", help="FILE or FILE@SECONDS")
    parser.add_argument("--model", default="lite-x4")
    parser.add_argument("--codings", default=f"{ONCE} {TWICE}")
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    av.logging.set_level(av.logging.PANIC)
    torch.set_num_threads(1)
    upscaler = vidsr.Upscaler(arguments.model, engine="torch")
    strengths = upscaler.model.strengths
    assert strengths is not None
    rows = []
    for each in arguments.clips:
        name, _, start = each.partition("@")
        for row in measured(Path(name), float(start or 0), arguments.codings.split(), upscaler, strengths):
            rows.append(row)
            print(json.dumps(row), flush=True)
    if arguments.json:
        text = ",\n".join(json.dumps(row) for row in rows)
        arguments.json.write_text(f"[\n{text}\n]\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
