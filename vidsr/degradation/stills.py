"""Degradation of pictures: one file, or every one of a folder, each with a seed of its own."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from vidsr.degradation.chain import Chain
from vidsr.degradation.clips import still_clip
from vidsr.degradation.files import check_folders
from vidsr.degradation.pairs import Pairs, make_folder, write_pictures
from vidsr.degradation.recipe import Recipe
from vidsr.errors import InputError, OptionError
from vidsr.notes import Notes
from vidsr.video.still_images import read_rgb, to_bytes, to_unit

STILL_FRAMES = 5  # the clip a picture becomes for codecs; its last frame is kept


@dataclass(frozen=True)
class Done:
    """Count of the pictures or frames written, and of those that could not be."""

    written: int
    skipped: int = 0
    chain: str = ""


def degrade_picture(picture: Tensor, chain: Chain, scale: int, *, seed: int = 0) -> Tensor:
    """Degrade uint8 ``[3, H, W]`` to uint8 ``[3, H // scale, W // scale]``.

    If the chain is temporal, the picture goes through as five frames that differ by half a level
    of noise, and the last is returned. Raises OptionError.
    """
    unit = to_unit(picture)
    if not chain.temporal:
        return to_bytes(chain.apply(unit[None], scale)[0])
    generator = torch.Generator().manual_seed(seed)
    return to_bytes(chain.apply(still_clip(unit, STILL_FRAMES, generator), scale)[-1])


def degrade_folder(
    source: Path,
    target: Path,
    recipe: Recipe,
    *,
    seed: int,
    scale: int,
    pairs: Pairs | None = None,
    overwrite: bool = False,
    notes: Notes,
    told: Callable[[], object] = lambda: None,
) -> Done:
    """Degrade every picture of ``source`` into ``target`` as PNG.

    Unusable pictures are named in ``notes`` and left out. Each picture's chain is drawn from
    ``seed`` and its file name, whatever else is in the folder.

    Args:
        source: Folder of pictures.
        target: Folder to write to; it is created.
        recipe: Distribution of the chains.
        seed: Seed of all random numbers.
        scale: Ratio of original to low-resolution sides, 1 or more.
        pairs: Writer of training pairs; it counts the pictures written.
        overwrite: True replaces files of the same names.
        notes: Receiver of the names of pictures left out.
        told: Function called after each picture.

    Raises:
        InputError: None of the pictures could be used.
        OutputError: The target cannot be written.
        KeyboardInterrupt: The user stopped it; the message counts the pictures done.
    """
    paths, names = check_folders(source, target, overwrite=overwrite)
    make_folder(target)
    written = skipped = 0
    for path, name in zip(paths, names, strict=True):
        wanted = pairs if pairs is not None and pairs.wants(written) else None
        try:
            degrade_file(path, target / f"{name}.png", recipe, seed=seed, scale=scale, pairs=wanted)
            written += 1
        except (InputError, OptionError) as error:
            skipped += 1
            notes.say(f"left out: {error.message if path.name in error.message else error}")
        except KeyboardInterrupt as stop:
            raise KeyboardInterrupt(f"{written} of {len(paths)} pictures are done") from stop
        told()
    if not written:
        raise InputError(f"{source}: none of its {skipped} pictures could be used")
    return Done(written, skipped)


def degrade_file(
    source: Path,
    target: Path,
    recipe: Recipe,
    *,
    seed: int,
    scale: int,
    pairs: Pairs | None = None,
) -> Chain:
    """Degrade one picture file into one PNG and return the chain drawn. Raises a VidsrError."""
    picture = read_rgb(source)
    rng = random.Random(f"{seed}:{source.name}")
    chain = recipe.sample(rng)
    try:
        lr = degrade_picture(picture, chain, scale, seed=rng.getrandbits(48))
    except OptionError as error:
        raise OptionError(f"{source}: {error.message}", hint=error.hint) from error
    write_pictures({target: lr})
    if pairs is not None:
        pairs.hold(target.stem, picture[:, : lr.shape[1] * scale, : lr.shape[2] * scale])
        pairs.match(target.stem, lr)
    return chain
