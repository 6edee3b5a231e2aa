"""What looking at luma gains on clips coded twice: ``CLIP... --model lite-x4 --json gain.json``.

Each clip is shrunk, coded once or twice, upscaled, and compared with the original: by the networks
that the stream alone chooses, and by those that are chosen with the look at luma. Beside stand the
errors that are true, told by the stream, and told with luma.
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
from vidsr.quality.metrics.flicker import Flicker
from vidsr.quality.metrics.psnr import psnr_db
from vidsr.video.coding import coding_errors
from vidsr.video.coding.blind.estimate import NOTHING

LESS, FRAMES, SCORED, FLICKERED = (320, 192), 12, (1, 8), 4
MOST_DB = 100.0  # of test patterns that come back as they were
ONCE = "none h264:18 h264:23 h264:28 h264:33 h265:24 vp9:38 av1:40"
TWICE = "h264:28>h264:14 h264:33>h264:20 h265:30>h264:16 mpeg2:8>h264:18"


@dataclass(frozen=True)
class Pair:
    """A frame of a clip and the same shrunk."""

    large: Frame
    small: Frame


def middle(frame: Frame, size: tuple[int, int], by: int) -> Frame:
    """Return the middle of a frame of 4:2:0, ``by`` times as large as a size at the most."""
    layout = frame.format
    width, height = min(layout.width, size[0] * by), min(layout.height, size[1] * by)
    left, top = (
        (layout.width - width) // 2 // (2 * by) * 2 * by,
        (layout.height - height) // 2 // (2 * by) * 2 * by,
    )
    part = replace(layout, width=width, height=height)
    planes = []
    for plane, (h, w), half in zip(frame.planes, part.plane_sizes, (1, 2, 2), strict=True):
        planes.append(
            plane[top // half : top // half + h, left // half : left // half + w].contiguous()
        )
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


class Scores:
    """Upscaled frames by number and step, and what they score.

    Args:
        upscaler: The model, with networks for coded footage.
        frames: Small frames as they were decoded.
        originals: What they should have become.
    """

    def __init__(self, upscaler: Any, frames: Sequence[Frame], originals: Sequence[Pair]) -> None:
        self._upscaler, self._frames, self._originals = upscaler, frames, originals
        self._strengths: Strengths = upscaler.model.strengths
        self._levels = levels_of(self._strengths)
        self._luma: dict[tuple[int, int], torch.Tensor] = {}

    def luma(self, number: int, step: int) -> torch.Tensor:
        """Return the luma of an upscaled frame."""
        if (number, step) not in self._luma:
            image = to_image(self._frames[number])
            large = self._upscaler(image, coding_error=self._levels[step])
            self._luma[number, step] = torch.from_numpy(large.to_ndarray()[: large.height])
        return self._luma[number, step]

    def of(self, frames: Sequence[Frame]) -> dict[str, float]:
        """Return the scores of the steps that the errors of frames choose."""
        errors = [0.0 if each.coding_error is None else each.coding_error.levels for each in frames]
        steps = [self._strengths.step_of(each) for each in errors]
        flicker = Flicker()
        for i, step in enumerate(steps[:FLICKERED]):
            flicker.add(self.luma(i, step), self._originals[i].large.planes[0])
        scored = (min(i, len(steps) - 1) for i in SCORED)
        db = fmean(self._db(i, steps[i]) for i in scored)
        return {"levels": fmean(errors), "db": db, "flicker": flicker.rms}

    def _db(self, number: int, step: int) -> float:
        border = self._upscaler.model.scale
        original = self._originals[number].large.planes[0]
        return min(psnr_db(self.luma(number, step), original, border=border), MOST_DB)


def measured(
    path: Path, start_s: float, codings: Sequence[str], upscaler: Any
) -> Iterator[dict[str, Any]]:
    """Yield a row for each chain of codecs."""
    originals = pairs(path, start_s, upscaler.model.scale)
    small = [each.small for each in originals]
    for chain in codings:
        with TemporaryDirectory() as name:
            parts = [parse_codings([each])[-1] for each in chain.split(">")]
            file = generations(small, parts, Path(name))
            before, after = told(file, look=False), told(file, look=True)
        scores = Scores(upscaler, before, originals)
        row = {"clip": path.stem, "coding": chain, "true": true_levels(before, small)}
        for name, frames in (("stream", before), ("luma", after)):
            row |= {f"{name}_{key}": round(each, 3) for key, each in scores.of(frames).items()}
        yield row


def true_levels(frames: Sequence[Frame], clean: Sequence[Frame]) -> float:
    """Return the mean error of the luma of frames in levels."""
    apart = (
        float((a.planes[0].float() - b.planes[0].float()).square().mean().sqrt())
        for a, b in zip(frames, clean, strict=True)
    )
    return round(fmean(apart), 2)


def summary(rows: Sequence[dict[str, Any]]) -> dict[str, dict[str, float]]:
    """Return gains over what the stream alone chooses, by chain of codecs."""
    found = {}
    for chain in dict.fromkeys(row["coding"] for row in rows):
        some = [row for row in rows if row["coding"] == chain]
        gains = [row["luma_db"] - row["stream_db"] for row in some]
        flicker = [row["luma_flicker"] - row["stream_flicker"] for row in some]
        found[chain] = {
            "mean_db": round(fmean(gains), 3),
            "least_db": round(min(gains), 3),
            "most_db": round(max(gains), 3),
            "flicker": round(fmean(flicker), 3),
            "most_flicker": round(max(flicker), 3),
        }
    return found


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
    rows = []
    for each in arguments.clips:
        name, _, start = each.partition("@")
        for row in measured(Path(name), float(start or 0), arguments.codings.split(), upscaler):
            rows.append(row)
            print(json.dumps(row), flush=True)
    found = summary(rows)
    print(json.dumps(found, indent=1))
    if arguments.json:
        lines = ",\n".join(json.dumps(row) for row in rows)
        head = json.dumps({"model": arguments.model, "gains": found}, indent=1)
        arguments.json.write_text(f'{head[:-2]},\n "rows": [\n{lines}\n]}}\n', encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
