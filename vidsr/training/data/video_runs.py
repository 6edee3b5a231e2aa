"""Short runs of frames out of a video, spread over its time, none across a cut."""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from torch import Tensor
from torch.nn.functional import adaptive_avg_pool2d

from vidsr.picture.frame import Frame
from vidsr.training.portions import Portion
from vidsr.video.source.file_source import FileSource

SIGNATURE = (36, 64)  # rows and columns of the luma by which frames are compared
# A cut: change of the signature, and beside the change before. Of 2,500 frames of seven clips
# without a cut the largest change is 15 levels, where the frame before changed by 10.
CUT_LEVELS, CUT_RATIO = 12.0, 3.0
EMPTY_LEVELS = 3.0  # spread of the signature below which a frame is black or shows nothing
SAME_LEVELS = 0.05  # change of the samples below which a frame repeats the one before
NEW_LEVELS = 0.5  # change of the signature from one run to the next


def runs_of(
    path: Path, portion: Portion, count: int, frames: int, rng: random.Random
) -> Iterator[list[Frame]]:
    """Yield up to ``count`` runs of ``frames`` frames that follow one another.

    The portion is cut into ``count`` equal parts, and each gives a run from a random time on.
    Frames that are empty or repeat the one before are left out; a run that shows what the last one
    did is passed over.

    Raises:
        InputError: The video cannot be read.
    """
    targets = deque(sorted((k + rng.random()) / count for k in range(count)))
    run, watch, last = _Run(frames), _Watch(), None
    for place, frame in _placed(path, portion):
        seen = watch.look(frame)
        run.add(frame, seen)
        if not targets or place < targets[0] or not run.full or seen.empty:
            continue
        if last is not None and float((seen.signature - last).abs().mean()) < NEW_LEVELS:
            continue
        yield run.take()
        last = seen.signature
        while targets and targets[0] <= place:
            targets.popleft()


@dataclass(frozen=True)
class _Seen:
    """What was seen of a frame."""

    signature: Tensor
    cut: bool
    empty: bool
    repeated: bool


class _Run:
    """Frames that follow one another, the newest at the end."""

    def __init__(self, length: int) -> None:
        self._frames: deque[Frame] = deque(maxlen=length)

    def add(self, frame: Frame, seen: _Seen) -> None:
        if seen.cut or seen.empty:
            self._frames.clear()
        if not seen.empty and not seen.repeated:
            self._frames.append(frame)

    @property
    def full(self) -> bool:
        return len(self._frames) == self._frames.maxlen

    def take(self) -> list[Frame]:
        frames = list(self._frames)
        self._frames.clear()
        return frames


@dataclass
class _Watch:
    """Comparison of each frame with the one before."""

    signature: Tensor | None = None
    samples: Tensor | None = None
    change: float = field(default=0.0)

    def look(self, frame: Frame) -> _Seen:
        unit = 2 ** (frame.format.pixel.depth - 8)
        samples = frame.planes[0][::4, ::4].float() / unit
        signature = adaptive_avg_pool2d(samples[None, None], SIGNATURE)[0, 0]
        before, self.signature = self.signature, signature
        earlier, self.samples = self.samples, samples
        empty = float(signature.std()) < EMPTY_LEVELS
        if before is None or earlier is None or earlier.shape != samples.shape:
            return _Seen(signature, cut=True, empty=empty, repeated=False)
        change, last = float((signature - before).abs().mean()), self.change
        self.change = change
        cut = change > max(CUT_LEVELS, CUT_RATIO * last)
        repeated = float((samples - earlier).abs().mean()) < SAME_LEVELS
        return _Seen(signature, cut=cut, empty=empty, repeated=repeated)


def _placed(path: Path, portion: Portion) -> Iterator[tuple[float, Frame]]:
    """Yield the frames of a portion, each with its place in it, 0 to 1."""
    with FileSource(path, upright=True) as source:
        length_s = source.info.duration_s
    if length_s is None:  # a raw stream: its frames are counted
        yield from _by_number(path, portion)
        return
    begin_s, part_s = portion.begin * length_s, (portion.end - portion.begin) * length_s
    # Below a millisecond a seek is not worth it, and not every source can seek.
    start_s = begin_s if begin_s > 0.001 else None
    with FileSource(path, start_s=start_s, duration_s=part_s, upright=True) as source:
        first = source.first_pts
        for item in source:
            if isinstance(item, Frame):
                at = float(((item.pts or 0) - first) * source.time_base)
                yield min(1.0, at / part_s), item


def _by_number(path: Path, portion: Portion) -> Iterator[tuple[float, Frame]]:
    with FileSource(path, upright=True) as source:
        total = sum(isinstance(item, Frame) for item in source)
    width = portion.end - portion.begin
    with FileSource(path, upright=True) as source:
        frames = (item for item in source if isinstance(item, Frame))
        for number, frame in enumerate(frames):
            place = (number / total - portion.begin) / width
            if 0 <= place < 1:
                yield place, frame
