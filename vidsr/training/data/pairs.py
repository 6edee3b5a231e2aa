"""Pairs of pictures made of a folder: photographs degraded here, or pairs made before."""

from __future__ import annotations

import logging
import random
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import torch
from torch import Tensor

from vidsr.degradation.clips import pan_clip
from vidsr.degradation.recipe import Recipe
from vidsr.errors import InputError, NoInputError, OptionError, VidsrError
from vidsr.picture.size import Size
from vidsr.training.data.crop_pool import TrainingPair, to_luma
from vidsr.training.folders import is_paired, partner, training_files
from vidsr.training.options import Options
from vidsr.video.still_images import read_rgb, to_bytes, to_unit

log = logging.getLogger("vidsr")
CLIP_FRAMES = 6
"""Frames of a degraded clip: enough for predicted and bidirectional pictures of a codec."""
CLIP_SIDE = 256
"""Side of a degraded clip in high-resolution pixels, at the least."""


@dataclass
class Prepared:
    """Pairs to learn from, pictures held back for validation, and the names of those left out."""

    pairs: list[TrainingPair]
    paired: bool = False  # rather than degraded here
    held_back: list[Path] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)
    pictures: int = 0  # that the pairs were made of


def prepare(options: Options, *, threads: int, colour: bool, hold_back: int) -> Prepared:
    """Read and degrade every picture of ``options.data``, ``hold_back`` of them excepted.

    A folder with ``hr`` and ``lr`` in it holds pairs of equal names. ``colour`` keeps RGB; luma
    otherwise. Damaged pictures and those smaller than a crop are skipped, named and counted.

    Raises:
        NoInputError: The folder is absent or empty.
        InputError: Nothing is left to learn from.
        OptionError: The recipe is unknown, or changes nothing.
    """
    folder = Path(options.data)
    paired, files = is_paired(folder), training_files(folder)
    load: Callable[[Path], list[TrainingPair]]
    if paired:
        load = partial(_read_pair, options)
    else:
        recipe = Recipe.load(options.recipe)
        if options.scale == 1 and is_plain(recipe):
            raise OptionError(
                f"recipe {options.recipe} at scale 1 changes nothing, so nothing can be learned",
                hint="choose another --recipe, such as motion",
            )
        load = partial(_degrade, options, recipe)
    kept, held_back = _split(files, hold_back)
    prepared = Prepared([], paired, held_back)
    work = partial(_attempt, load, colour)
    with ThreadPoolExecutor(threads) as workers:
        for result in workers.map(work, kept):
            if isinstance(result, str):
                log.warning("skipped %s", result)
                prepared.skipped.append(result)
            else:
                prepared.pairs += result
                prepared.pictures += 1
    if not prepared.pairs:
        raise InputError(
            f"{folder}: none of {len(kept)} pictures can be trained on; {prepared.skipped[0]}",
            hint="choose a smaller --crop, or other pictures",
        )
    return prepared


def _split(files: Sequence[Path], count: int) -> tuple[list[Path], list[Path]]:
    """Return files to learn from and ``count`` to hold back, spread evenly; of few files none."""
    if count == 0 or len(files) < 2 * count:
        return list(files), []
    held = {i * len(files) // count for i in range(count)}
    return [f for i, f in enumerate(files) if i not in held], [files[i] for i in sorted(held)]


def _attempt(
    load: Callable[[Path], list[TrainingPair]], colour: bool, path: Path
) -> list[TrainingPair] | str:
    """Return the pairs of one file, or the reason why there are none."""
    try:
        pairs = load(path)
    except VidsrError as error:
        return str(error)
    return pairs if colour else [TrainingPair(to_luma(p.low), to_luma(p.high)) for p in pairs]


def is_plain(recipe: Recipe) -> bool:
    """Return True if a recipe only resizes, always alike: then whole pictures do for pairs."""
    chains = [recipe.sample(seed) for seed in range(8)]
    same = len({chain.describe() for chain in chains}) == 1
    return same and all(step.op == "resize" for step in chains[0].steps)


def trim(picture: Tensor, scale: int) -> Tensor:
    """Cut ``[C, H, W]`` at the bottom and right to a multiple of ``scale``."""
    height, width = (side // scale * scale for side in picture.shape[1:])
    return picture[:, :height, :width].contiguous()


def halve(picture: Tensor) -> Tensor:
    """Shrink uint8 ``[C, H, W]`` to half its size, bicubic with antialiasing."""
    size = [side // 2 for side in picture.shape[1:]]
    small = torch.nn.functional.interpolate(
        to_unit(picture)[None], size, mode="bicubic", antialias=True
    )
    return to_bytes(small[0])


def _read_pair(options: Options, path: Path) -> list[TrainingPair]:
    small = partner(path)
    if not small.is_file():
        raise NoInputError(f"{path}: no {small} beside it")
    low, high = read_rgb(small), read_rgb(path)
    _require(path, low, options.crop)
    if tuple(high.shape[1:]) != tuple(side * options.scale for side in low.shape[1:]):
        raise InputError(
            f"{path}: {_size(high)} is not {options.scale} times the {_size(low)} of {small}"
        )
    return [TrainingPair(low, high)]


def _degrade(options: Options, recipe: Recipe, path: Path) -> list[TrainingPair]:
    """Make pairs of one photograph, at full and at half size.

    Half size is there because photographs are soft at the pixel level and benchmarks are not.
    """
    full = read_rgb(path)
    _require(path, full, options.crop * options.scale)
    sizes = [p for p in (full, halve(full)) if min(p.shape[1:]) >= options.crop * options.scale]
    if is_plain(recipe):
        return [still_pair(p, recipe, options.scale) for p in sizes]
    rng = random.Random(f"{options.seed} {path.name}")
    return [
        moving_pair(sizes[clip % len(sizes)], recipe, options, rng) for clip in range(options.clips)
    ]


def still_pair(picture: Tensor, recipe: Recipe, scale: int) -> TrainingPair:
    """Pair a whole picture with its degradation, by a recipe that neither draws nor moves."""
    high = trim(picture, scale)
    return TrainingPair(to_bytes(recipe.sample(0).apply(to_unit(high)[None], scale)[0]), high)


def moving_pair(
    picture: Tensor, recipe: Recipe, options: Options, rng: random.Random
) -> TrainingPair:
    """Pair one frame, not the first, of a short clip out of a picture with its degradation."""
    scale = options.scale
    side = max(CLIP_SIDE, (options.crop + 16) * scale)
    height, width = (min(side, length) // scale * scale for length in picture.shape[1:])
    clip = to_unit(to_bytes(pan_clip(picture, CLIP_FRAMES, Size(width, height), rng)))
    low = recipe.sample(rng.randrange(2**31)).apply(clip, scale)
    frame = rng.randrange(1, CLIP_FRAMES)
    return TrainingPair(to_bytes(low[frame]), to_bytes(clip[frame]))


def _require(path: Path, picture: Tensor, side: int) -> None:
    if min(picture.shape[1:]) < side:
        raise InputError(f"{path}: {_size(picture)} is smaller than a crop of {side}x{side}")


def _size(picture: Tensor) -> str:
    return f"{picture.shape[2]}x{picture.shape[1]}"
