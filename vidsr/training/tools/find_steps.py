"""The 8-bit steps of a network, found from photographs.

No training: the network stays what it is. Codes span what goes into each layer, seen on the middles
of photographs that are degraded as the network was trained to undo, but for 1 in 200 000 numbers.
"""

from __future__ import annotations

from pathlib import Path

from torch import Tensor

from vidsr.degradation.recipe import Recipe
from vidsr.degradation.stills import degrade_picture
from vidsr.engines.quantised.networks import quantisable
from vidsr.engines.quantised.steps import Steps, weights_sha256
from vidsr.models.zoo import Model
from vidsr.training.data.crop_pool import to_luma
from vidsr.training.data.harsh import harsh_low
from vidsr.training.networks.ranges import observed_steps
from vidsr.video.image_sequences import picture_files
from vidsr.video.still_images import read_rgb, to_unit

CROP = 160  # low-resolution pixels a side


def low_pictures(
    folder: Path, scale: int, recipe: Recipe, count: int, *, colour: bool = False
) -> list[Tensor]:
    """Return middles of ``count`` photographs degraded, and ``harsh``, in [0, 1].

    They are [1, 1, h, w], with ``colour`` [1, 3, h, w]. Raises InputError.
    """
    files = picture_files(folder)
    chosen = files[:: max(1, len(files) // count)][:count]
    pictures = [_middle(read_rgb(path), CROP * scale, scale) for path in chosen]
    lows = [
        degrade_picture(picture, recipe.sample(index), scale, seed=index)
        for index, picture in enumerate(pictures)
    ]
    lows.append(harsh_low(scale))
    return [to_unit(low if colour else to_luma(low))[None] for low in lows]


def _middle(picture: Tensor, side: int, step: int) -> Tensor:
    sides = [min(side, n - n % step) for n in picture.shape[1:]]
    top, left = ((n - s) // 2 for n, s in zip(picture.shape[1:], sides, strict=True))
    return picture[:, top : top + sides[0], left : left + sides[1]]


def make_steps(model: Model, photos: Path, recipe: Recipe, count: int) -> Steps:
    """Return the steps of ``model``, found on ``count`` photographs.

    Raises OptionError for a network that is not run in 8 bits, InputError for the photos.
    """
    net = quantisable(model.module, model.name)
    colour = model.config.channels == 3
    pictures = low_pictures(photos, model.config.scale, recipe, count, colour=colour)
    made_from = f"{len(pictures) - 1} photographs, recipe {recipe.name}"
    return Steps(weights_sha256(model.path), made_from, observed_steps(net, pictures))
