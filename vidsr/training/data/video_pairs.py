"""Pairs made of a video: windows of short runs of its frames, degraded as clips."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import Tensor

from vidsr.degradation.recipe import Recipe
from vidsr.errors import InputError
from vidsr.picture.conversion import yuv_to_rgb
from vidsr.picture.frame import Frame
from vidsr.training.data.crop_pool import CANDIDATES, TrainingPair
from vidsr.training.data.degraded import CLIP_FRAMES, clip_pair, clip_side, halve, is_plain
from vidsr.training.data.video_runs import runs_of
from vidsr.training.options import Options
from vidsr.training.portions import Portion
from vidsr.video.still_images import to_bytes, to_unit


@dataclass(frozen=True)
class _Place:
    """Window of a frame: first row and column, height and width, and how often it is halved."""

    top: int
    left: int
    height: int
    width: int
    halved: bool


def video_pairs(
    path: Path, portion: Portion, recipe: Recipe, options: Options
) -> list[TrainingPair]:
    """Return ``options.clips`` pairs of each of up to ``options.spots`` runs of frames.

    Every other one is of half the size, where the frames allow it: footage is soft at the level
    of pixels, and what coded it before shows less.

    Raises:
        InputError: The video cannot be read, is too small, or nothing moves in it.
    """
    rng = random.Random(f"{options.seed} {path.name}")
    still = is_plain(recipe)
    pairs: list[TrainingPair] = []
    for run in runs_of(path, portion, options.spots, CLIP_FRAMES, rng):
        _require(path, run[0], options)
        for number in range(options.clips):
            place = _place(run[-1], options, number, rng)
            frames = run[-2:] if still else run  # a still pair needs one, and is no first frame
            pairs.append(clip_pair(_clip(frames, place), recipe, options.scale, rng))
    if not pairs:
        raise InputError(
            f"{path}: no {CLIP_FRAMES} frames that follow one another in {portion}",
            hint="choose a larger --portion",
        )
    return pairs


def _place(frame: Frame, options: Options, number: int, rng: random.Random) -> _Place:
    """Choose a window: of some at random, the one with most contrast."""
    side, layout = clip_side(options), frame.format
    halved = number % 2 == 1 and min(layout.width, layout.height) >= 2 * side
    high, wide = (
        min(length, side * (2 if halved else 1)) // options.scale * options.scale
        for length in (layout.height, layout.width)
    )
    rows, columns = layout.height - high, layout.width - wide
    places = [
        _Place(_even(rng, rows), _even(rng, columns), high, wide, halved) for _ in range(CANDIDATES)
    ]
    return max(places, key=lambda place: _contrast(frame.planes[0], place))


def _even(rng: random.Random, most: int) -> int:
    """Draw an even number of at most ``most``: chroma samples lie there, too."""
    return rng.randrange(0, most + 1) // 2 * 2


def _contrast(plane: Tensor, place: _Place) -> float:
    window = plane[place.top : place.top + place.height, place.left : place.left + place.width]
    return float(window[::2, ::2].float().std())


def _clip(frames: Sequence[Frame], place: _Place) -> Tensor:
    """Return ``[T, 3, H, W]`` in [0, 1], of 8-bit values, of a window of some frames."""
    pictures = (_window(frame, place) for frame in frames)
    return torch.stack([to_unit(halve(p) if place.halved else p) for p in pictures])


def _window(frame: Frame, place: _Place) -> Tensor:
    across, down = frame.format.pixel.subsampling
    layout = replace(frame.format, width=place.width, height=place.height)
    corners = [(place.top, place.left), *[(place.top // down, place.left // across)] * 2]
    parts = zip(frame.planes, corners, layout.plane_sizes, strict=False)  # grey has one plane
    planes = (plane[y : y + h, x : x + w] for plane, (y, x), (h, w) in parts)
    return to_bytes(yuv_to_rgb(tuple(planes), layout))


def _require(path: Path, frame: Frame, options: Options) -> None:
    layout, side = frame.format, options.crop * options.scale
    if min(layout.width, layout.height) < side:
        size = f"{layout.width}x{layout.height}"
        raise InputError(f"{path}: {size} is smaller than a crop of {side}x{side}")
