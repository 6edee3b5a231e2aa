"""Scores of clips that were shrunk and coded, and of clips as they are, without an original."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import fmean
from tempfile import TemporaryDirectory

from torch import Tensor

from vidsr.errors import VidsrError
from vidsr.picture.frame import Frame
from vidsr.quality.footage.codings import Coding
from vidsr.quality.footage.encode import check_size, write_clip
from vidsr.quality.footage.methods import ClipMethod
from vidsr.quality.footage.originals import (
    Clip,
    Original,
    check_clip,
    frames_of,
    levels,
    open_clip,
    read_original,
)
from vidsr.quality.footage.sheet import ClipSheet
from vidsr.quality.metrics.flicker import Flicker
from vidsr.quality.metrics.measure import blind_scores, counted, least_side
from vidsr.quality.metrics.psnr import psnr_db
from vidsr.quality.metrics.ssim import SsimReference
from vidsr.quality.results import ORIGINAL, Row

BICUBIC = "bicubic"  # what every method is compared with


@dataclass(frozen=True)
class ClipTask:
    """Choices of a measurement: metrics by name, pixels left out at borders, NIQE's step."""

    methods: Sequence[ClipMethod]
    metrics: Sequence[str]
    border: int
    scale: int
    niqe_every: int


@dataclass
class Tally:
    """Sums of one method's scores over the frames of one clip."""

    flicker: Flicker = field(default_factory=Flicker)
    sums: dict[str, float] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)

    def add(self, name: str, value: float) -> None:
        """Take a frame's score; NaN, as NIQE gives for a frame without texture, counts nothing."""
        known = value == value
        self.sums[name] = self.sums.get(name, 0.0) + (counted(name, value) if known else 0.0)
        self.counts[name] = self.counts.get(name, 0) + known

    def add_all(self, scores: Mapping[str, float]) -> None:
        """Take a frame's scores by metric."""
        for name, value in scores.items():
            self.add(name, value)

    def means(self) -> dict[str, float]:
        """Return the mean of every metric, and the flicker where frames were added to it."""
        nan = float("nan")
        means = {n: s / self.counts[n] if self.counts[n] else nan for n, s in self.sums.items()}
        return means | ({"flicker": self.flicker.rms} if self.flicker.frames else {})


def check_clips(clips: Sequence[Clip], codings: Sequence[Coding], task: ClipTask) -> None:
    """Raise InputError for a clip that cannot be read, measured or coded, before any work."""
    for clip in clips:
        if not codings:
            open_clip(clip).close()
            continue
        size = check_clip(clip, task.scale, least_side(task.border))
        for coding in codings:
            check_size(str(clip.path), size, coding)


def score_coded(
    clip: Clip, codings: Sequence[Coding], task: ClipTask, sheet: ClipSheet | None = None
) -> Iterator[Row]:
    """Yield a row a coding and method: the clip shrunk, coded, upscaled, against the original.

    ``check_clips`` has found the clip fit. Raises InputError where it cannot be read.
    """
    original = read_original(clip, task.scale)
    with TemporaryDirectory(prefix="vidsr-eval-") as folder:
        for coding in codings:
            small = Clip(Path(folder) / "small.mkv")
            write_clip(small.path, original.small, coding)
            yield from _coding_error(original, small, str(coding))
            tallies = _against(original, small, task, sheet, str(coding))
            yield from _rows(str(coding), original.name, tallies, len(original.large))


def _coding_error(original: Original, small: Clip, coding: str) -> Iterator[Row]:
    """Yield what the codec did to the small clip, as measured and as its stream lets expect."""
    measured, expected = [], []
    for frame, clean in zip(frames_of(small), original.small, strict=False):
        apart = frame.planes[0].float() - clean.planes[0].float()
        measured.append(float(apart.square().mean().sqrt()))
        if frame.coding_error is not None:
            expected.append(frame.coding_error.levels)
    for method, levels_rms in (("measured", measured), ("expected", expected)):
        mean = fmean(levels_rms) if levels_rms else float("nan")
        scores = {"coding_error": mean}
        yield Row(coding, original.name, method, scores, len(original.small))


def score_plain(clip: Clip, task: ClipTask, sheet: ClipSheet | None = None) -> Iterator[Row]:
    """Yield a row a method for a clip as it is: NIQE, and flicker against bicubic.

    Raises InputError for a clip that cannot be read.
    """
    tallies: dict[str, Tally] = {method.name: Tally() for method in task.methods}
    count = 0
    with _side_by_side(task.methods, clip) as frames:
        for number, outputs in enumerate(frames):
            planes = {name: levels(frame) for name, frame in outputs.items()}
            for name, plane in planes.items():
                if number % task.niqe_every == 0:
                    tallies[name].add_all(blind_scores(plane, task.metrics))
                if "flicker" in task.metrics:
                    tallies[name].flicker.add(plane, planes[BICUBIC])
            if sheet is not None:
                sheet.compare(clip, number, outputs, planes)
            _release(outputs)
            count += 1
    yield from _rows("", clip.name, tallies, count)


def _against(
    original: Original, small: Clip, task: ClipTask, sheet: ClipSheet | None, coding: str
) -> dict[str, Tally]:
    tallies: dict[str, Tally] = {}
    count = 0
    with _side_by_side(task.methods, small) as frames:
        for number, (large, outputs) in enumerate(zip(original.large, frames, strict=False)):
            planes = {name: frame.planes[0] for name, frame in outputs.items()}
            _add_scores(tallies, planes, large.planes[0], task, niqe=number % task.niqe_every == 0)
            if sheet is not None:
                sheet.see((original.name, coding, number), outputs, large)
            _release(outputs)
            count += 1
    if count != len(original.large):
        raise VidsrError(f"{coding}: {count} of {len(original.large)} frames came back")
    return tallies


def _add_scores(
    tallies: dict[str, Tally],
    planes: dict[str, Tensor],
    original: Tensor,
    task: ClipTask,
    *,
    niqe: bool,
) -> None:
    wanted = task.metrics
    ssim = SsimReference(original, border=task.border) if "ssim" in wanted else None
    for name, plane in planes.items():
        tally = tallies.setdefault(name, Tally())
        if "psnr" in wanted:
            tally.add("psnr", psnr_db(plane, original, border=task.border))
        if ssim is not None:
            tally.add("ssim", ssim.score(plane))
        if niqe:
            tally.add_all(blind_scores(plane, wanted))
        if "flicker" in wanted:
            tally.flicker.add(plane, original)
    if niqe and (own := blind_scores(original, wanted)):
        tallies.setdefault(ORIGINAL, Tally()).add_all(own)


@contextmanager
def _side_by_side(
    methods: Sequence[ClipMethod], clip: Clip
) -> Iterator[Iterator[dict[str, Frame]]]:
    """Give frame by frame what every method makes of a clip; sources are closed at the end."""
    with ExitStack() as stack:
        streams = {m.name: stack.enter_context(closing(m.upscale(clip))) for m in methods}  # type: ignore[type-var]
        yield (
            dict(zip(streams, frames, strict=True))
            for frames in zip(*streams.values(), strict=True)
        )


def _release(outputs: dict[str, Frame]) -> None:
    for frame in outputs.values():
        frame.release()


def _rows(group: str, name: str, tallies: dict[str, Tally], frames: int) -> Iterator[Row]:
    for method, tally in tallies.items():
        yield Row(group, name, method, tally.means(), frames)
