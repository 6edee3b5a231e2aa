"""Pictures of unpaired training: good ones beside what the recipe makes of them, and footage."""

from __future__ import annotations

import logging
import random
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path

import torch
from torch import Tensor
from torch.nn.functional import interpolate

from vidsr.errors import InputError, VidsrError
from vidsr.picture.conversion import yuv_to_rgb
from vidsr.training.data.crop_pool import CANDIDATES, CropPool, TrainingPair
from vidsr.training.data.video_runs import runs_of
from vidsr.training.folders import training_material
from vidsr.training.options import Options
from vidsr.training.portions import Portion, portions_of
from vidsr.video.still_images import read_rgb, to_bytes, to_unit

log = logging.getLogger("vidsr")
WINDOW = 512
"""Side of what is kept of a larger picture, in pixels."""


def shrunk(pair: TrainingPair) -> TrainingPair:
    """Return a pair whose good picture has the size of the spoiled one: bicubic, antialiased."""
    size = list(pair.low.shape[1:])
    if list(pair.high.shape[1:]) == size:
        return pair
    small = interpolate(to_unit(pair.high)[None], size, mode="bicubic", antialias=True)
    return replace(pair, high=to_bytes(small[0]))


def footage(options: Options, threads: int) -> list[Tensor]:
    """Return pictures uint8 ``[3, h, w]`` of ``options.unpaired``, at their own size.

    A video gives a frame of each of ``options.spots`` equal parts of its portion. What is larger
    than a window is cut: a picture to ``options.clips`` windows, a frame to one.

    Raises:
        NoInputError: Nothing is there.
        InputError: Nothing that is there can be used.
        OptionError: A portion is wrong.
    """
    assert options.unpaired is not None
    folder = Path(options.unpaired)
    material = training_material(folder)
    portions = portions_of(list(material.videos), options.portion)
    found: list[Tensor] = []
    skipped = []
    with ThreadPoolExecutor(threads) as workers:
        load = partial(_attempt, options=options, portions=portions)
        for result in workers.map(load, [*material.pictures, *material.videos]):
            if isinstance(result, str):
                log.warning("skipped %s", result)
                skipped.append(result)
            else:
                found += result
    if not found:
        raise InputError(f"{folder}: none of {material.count} can be learned from; {skipped[0]}")
    return found


def _attempt(path: Path, options: Options, portions: dict[Path, Portion]) -> list[Tensor] | str:
    rng = random.Random(f"{options.seed} {path.name}")
    try:
        pictures = list(_pictures(path, options, portions.get(path), rng))
    except VidsrError as error:
        return str(error)
    if not pictures:
        return f"{path}: no frames in {portions.get(path)}"
    if min(pictures[0].shape[1:]) < options.crop:
        size = f"{pictures[0].shape[2]}x{pictures[0].shape[1]}"
        return f"{path}: {size} is smaller than a crop of {options.crop}x{options.crop}"
    return pictures


def _pictures(
    path: Path, options: Options, portion: Portion | None, rng: random.Random
) -> Iterator[Tensor]:
    if portion is None:
        picture = read_rgb(path)
        large = max(picture.shape[1:]) > WINDOW
        for _ in range(options.clips if large else 1):
            yield _window(picture, rng)
        return
    for run in runs_of(path, portion, options.spots, 1, rng):
        frame = run[0]
        yield _window(to_bytes(yuv_to_rgb(frame.planes, frame.format)), rng)


def _window(picture: Tensor, rng: random.Random) -> Tensor:
    """Return a window of ``[3, H, W]`` at a random place, at most ``WINDOW`` pixels a side."""
    top, left = (rng.randint(0, max(0, side - WINDOW)) for side in picture.shape[1:])
    return picture[:, top : top + WINDOW, left : left + WINDOW].contiguous()


class UnpairedPool:
    """Two pools of crops; each batch has as many of the one as of the other, drawn apart."""

    def __init__(
        self,
        good: list[TrainingPair],
        bad: list[Tensor],
        *,
        crop: int,
        device: torch.device | str = "cpu",
    ) -> None:
        """Take pairs of equal size, spoiled and good, and footage. Raises InputError."""
        self._good = CropPool(good, scale=1, crop=crop, device=device)
        footage = (TrainingPair(picture, picture) for picture in bad)
        self._bad = CropPool(footage, scale=1, crop=crop, device=device)
        self.count = self._good.count

    @property
    def bytes(self) -> int:
        """Return the bytes of memory that the pictures take."""
        return self._good.bytes + self._bad.bytes

    def draw(self, batch: int, seed: int, step: int) -> Tensor:
        """Choose places, ``[2, batch, CANDIDATES, 4]``: of good pictures, then of footage."""
        draws = torch.stack(
            [self._good.draw(batch, seed, step), self._bad.draw(batch, seed + 2**31, step)]
        )
        assert draws.shape == (2, batch, CANDIDATES, 4)
        return draws

    def cut(self, draws: Tensor) -> tuple[Tensor, Tensor]:
        """Cut footage ``[N, 3, n, n]``, and ``[N, 6, n, n]``: spoiled and good pictures."""
        spoiled, good = self._good.cut(draws[0])
        bad, _ = self._bad.cut(draws[1])
        return bad, torch.cat((spoiled, good), dim=1)
