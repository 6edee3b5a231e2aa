"""Pairs of pictures: photographs and videos degraded here, or pairs made before."""

from __future__ import annotations

import logging
import random
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from torch import Tensor

from vidsr.degradation.recipe import Recipe
from vidsr.errors import InputError, NoInputError, OptionError, OutputError, VidsrError
from vidsr.training.data.cache import PairCache
from vidsr.training.data.crop_pool import TrainingPair, to_luma
from vidsr.training.data.degraded import halve as halve
from vidsr.training.data.degraded import is_plain as is_plain
from vidsr.training.data.degraded import moving_pair, still_pair
from vidsr.training.data.degraded import trim as trim
from vidsr.training.data.video_pairs import video_pairs
from vidsr.training.folders import Material, is_paired, partner, training_material
from vidsr.training.options import Options
from vidsr.training.portions import portions_of
from vidsr.video.still_images import read_rgb

log = logging.getLogger("vidsr")


@dataclass
class Prepared:
    """Pairs to learn from, pictures held back for validation, and the names of those left out."""

    pairs: list[TrainingPair]
    paired: bool = False  # rather than degraded here
    held_back: list[Path] = field(default_factory=list)
    spared: list[TrainingPair] = field(default_factory=list)  # held back of videos, in RGB
    skipped: list[str] = field(default_factory=list)
    pictures: int = 0  # that the pairs were made of
    videos: int = 0


Change = Callable[[TrainingPair], TrainingPair]


def prepare(
    options: Options,
    *,
    threads: int,
    colour: bool,
    hold_back: int,
    cache: Path | None = None,
    change: Change | None = None,
) -> Prepared:
    """Read and degrade what is in ``options.data``, ``hold_back`` pictures of it excepted.

    A folder with ``hr`` and ``lr`` in it holds pairs of equal names. ``colour`` keeps RGB; luma
    otherwise. Damaged pictures and those smaller than a crop are skipped, named and counted. Where
    there are only videos, pairs of their last spots are held back. ``cache`` is a folder that keeps
    what was degraded; ``change`` is done to every pair as it leaves there.

    Raises:
        NoInputError: The folder is absent or empty.
        InputError: Nothing is left to learn from.
        OptionError: The recipe is unknown, or changes nothing; a portion is wrong.
        OutputError: The cache cannot be written.
    """
    data = Path(options.data)
    paired, material = is_paired(data), training_material(data)
    kept, held_back = _split(material.pictures, hold_back)
    load = _loader(options, paired, list(material.videos), cache, change)
    prepared = Prepared([], paired, held_back)
    spare = 0 if kept else hold_back
    with ThreadPoolExecutor(threads) as workers:
        sources = [*kept, *material.videos]
        for source, result in zip(sources, workers.map(load, sources), strict=True):
            if isinstance(result, str):
                log.warning("skipped %s", result)
                prepared.skipped.append(result)
            else:
                named = [replace(pair, source=source.name) for pair in result]
                _add(prepared, source in material.videos, named, spare, options.clips, colour)
    if not prepared.pairs:
        raise InputError(
            f"{data}: none of {len(sources)} {_kind(material)} can be trained on; "
            f"{prepared.skipped[0]}",
            hint=f"choose a smaller --crop, or other {_kind(material)}",
        )
    return prepared


def _kind(material: Material) -> str:
    return "sources" if material.videos else "pictures"


def _add(
    prepared: Prepared,
    video: bool,
    pairs: list[TrainingPair],
    spare: int,
    clips: int,
    colour: bool,
) -> None:
    """Take the pairs of one source; of a video the last spot is held back, if any is to be."""
    prepared.pictures += not video
    prepared.videos += video
    if video and spare > len(prepared.spared) and len(pairs) > clips:
        pairs, last = pairs[:-clips], pairs[-clips:]
        prepared.spared += last[: spare - len(prepared.spared)]
    prepared.pairs += pairs if colour else [_in_luma(pair) for pair in pairs]


def _in_luma(pair: TrainingPair) -> TrainingPair:
    return replace(pair, low=to_luma(pair.low), high=to_luma(pair.high))


Load = Callable[[Path], list[TrainingPair] | str]
MakePairs = Callable[[Path], list[TrainingPair]]


def _loader(
    options: Options,
    paired: bool,
    videos: list[Path],
    cache: Path | None,
    change: Change | None,
) -> Load:
    """Return what makes the pairs of a source, or gives the reason why there are none."""
    if paired:
        return partial(_attempt, partial(_read_pair, options))
    recipe = Recipe.load(options.recipe)
    if options.scale == 1 and is_plain(recipe) and options.unpaired is None:
        raise OptionError(
            f"recipe {options.recipe} at scale 1 changes nothing, so nothing can be learned",
            hint="choose another --recipe, such as motion",
        )
    portions = portions_of(videos, options.portion)

    def make(path: Path) -> list[TrainingPair]:
        if path in portions:
            return video_pairs(path, portions[path], recipe, options)
        return _degrade(options, recipe, path)

    if cache is None:
        return partial(_attempt, _changed(make, change))
    store = PairCache(cache)

    def make_once(path: Path) -> list[TrainingPair]:
        portion = str(portions.get(path, ""))
        known = store.load(path, options, portion)
        if known is None:
            known = make(path)
            store.store(path, options, portion, known)
        return known

    return partial(_attempt, _changed(make_once, change))


def _changed(make: MakePairs, change: Change | None) -> MakePairs:
    return make if change is None else lambda path: [change(pair) for pair in make(path)]


def _split(files: Sequence[Path], count: int) -> tuple[list[Path], list[Path]]:
    """Return files to learn from and ``count`` to hold back, spread evenly; of few files none."""
    if count == 0 or len(files) < 2 * count:
        return list(files), []
    held = {i * len(files) // count for i in range(count)}
    return [f for i, f in enumerate(files) if i not in held], [files[i] for i in sorted(held)]


def _attempt(load: MakePairs, path: Path) -> list[TrainingPair] | str:
    """Return the pairs of one file, or the reason why there are none. Raises OutputError."""
    try:
        return load(path)
    except OutputError:
        raise
    except VidsrError as error:
        return str(error)


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


def _require(path: Path, picture: Tensor, side: int) -> None:
    if min(picture.shape[1:]) < side:
        raise InputError(f"{path}: {_size(picture)} is smaller than a crop of {side}x{side}")


def _size(picture: Tensor) -> str:
    return f"{picture.shape[2]}x{picture.shape[1]}"
