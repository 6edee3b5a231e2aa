"""Scores of a video, frame by frame, in memory that does not grow with its length."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from itertools import zip_longest
from pathlib import Path

from torch import Tensor
from tqdm import tqdm

from vidsr.errors import InputError, OptionError
from vidsr.picture.conversion import yuv_to_rgb
from vidsr.picture.frame import Frame
from vidsr.quality.gallery import Gallery
from vidsr.quality.methods import Method
from vidsr.quality.metrics.flicker import Flicker
from vidsr.quality.metrics.measure import counted, least_side
from vidsr.quality.metrics.psnr import luma_601
from vidsr.quality.pairs import match_sizes
from vidsr.quality.request import SLOW_METRICS
from vidsr.quality.results import Row
from vidsr.quality.stills import score_outputs
from vidsr.video.source.file_source import FileSource
from vidsr.video.still_images import to_bytes

SHEET_EVERY = 12  # frames between the rows of a contact sheet


@dataclass(frozen=True)
class VideoPair:
    """Videos to compare: ``lr`` is made by bicubic if None; ``frames`` limits how many are read."""

    hr: Path
    lr: Path | None = None
    frames: int | None = None
    niqe_every: int = 10  # it takes longer than a small network


@dataclass
class _Tally:
    """Sums of one method's scores."""

    flicker: Flicker = field(default_factory=Flicker)
    sums: dict[str, tuple[float, int]] = field(default_factory=dict)

    def add(self, scores: dict[str, float]) -> None:
        for name, value in scores.items():
            total, count = self.sums.get(name, (0.0, 0))
            if value == value:  # NaN: a frame without texture has no NIQE
                self.sums[name] = total + counted(name, value), count + 1
            else:
                self.sums[name] = total, count

    def means(self) -> dict[str, float]:
        return {n: s / c if c else float("nan") for n, (s, c) in self.sums.items()}


def read_frames(path: Path) -> Generator[Tensor]:
    """Yield every frame of a video as uint8 ``[3, H, W]`` RGB, upright. Raises InputError."""
    with FileSource(path, upright=True) as source:
        for item in source:
            if isinstance(item, Frame):
                yield to_bytes(yuv_to_rgb(item.planes, item.format))


def read_pairs(videos: VideoPair, scale: int, least: int) -> Generator[tuple[Tensor, Tensor]]:
    """Yield original and LR of every frame.

    Raises InputError if one video ends before the other.
    """
    if videos.lr is None:
        if scale == 1:
            raise OptionError("a model of scale 1 needs its input.", hint="give it with --lr.")
        names = (videos.hr, videos.hr)
        with closing(read_frames(videos.hr)) as originals:
            for original in originals:
                yield match_sizes(original, None, scale, least, names)
        return
    names = (videos.hr, videos.lr)
    with closing(read_frames(videos.hr)) as highs, closing(read_frames(videos.lr)) as lows:
        for number, (high, low) in enumerate(zip_longest(highs, lows)):
            if high is None or low is None:
                short, long = names if high is None else names[::-1]
                raise InputError(f"{short}: ends after {number} frames, {long} goes on")
            yield match_sizes(high, low, scale, least, names)


def score_video(
    videos: VideoPair,
    methods: Sequence[Method],
    *,
    scale: int,
    border: int,
    metrics: Sequence[str],
    gallery: Gallery | None = None,
) -> list[Row]:
    """Return a row a method: means over frames (an equal frame counts 100 dB), and the flicker.

    Frames are paired by number. Raises InputError if the two videos differ in their number.
    """
    tallies: dict[str, _Tally] = {}
    count = 0
    with closing(read_pairs(videos, scale, least_side(border))) as pairs:
        bar = tqdm(pairs, desc="frames", total=videos.frames, disable=None, leave=False)
        for original, lr in bar:
            niqe_due = count % videos.niqe_every == 0
            due = [name for name in metrics if niqe_due or name not in SLOW_METRICS]
            outputs = {method.name: method.upscale(lr) for method in methods}
            scores = score_outputs(outputs, original, border=border, metrics=due)
            for name, values in scores.items():
                tallies.setdefault(name, _Tally()).add(values)
            if "flicker" in metrics:
                _add_flicker(tallies, outputs, original)
            if gallery is not None and count % SHEET_EVERY == 0:
                gallery.add(f"frame {count}", lr, outputs, original, scores)
            count += 1
            if count == videos.frames:
                break
    return _rows(videos.hr, tallies, count)


def _add_flicker(tallies: dict[str, _Tally], outputs: dict[str, Tensor], original: Tensor) -> None:
    reference = luma_601(original)
    for name, output in outputs.items():
        tallies[name].flicker.add(luma_601(output), reference)


def _rows(path: Path, tallies: dict[str, _Tally], count: int) -> list[Row]:
    rows = []
    for name, tally in tallies.items():
        flicker = {"flicker": tally.flicker.rms} if tally.flicker.frames else {}
        rows.append(Row("", path.name, name, tally.means() | flicker, count))
    return rows
