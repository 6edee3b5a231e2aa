"""The 8-bit steps of a lite network, found from photographs.

No training: the network stays what it is. Codes span what goes into each layer, seen on the middles
of photographs that are degraded as the network was trained to undo, but for 1 in 200 000 numbers.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import torch
from torch import Tensor

from vidsr.degradation.recipe import Recipe
from vidsr.degradation.stills import degrade_picture
from vidsr.engines.openvino_int8.int8_steps import (
    LayerSteps,
    Steps,
    require_lite,
    weights_sha256,
)
from vidsr.models.networks.lite import Lite
from vidsr.models.zoo import Model
from vidsr.training.data.crop_pool import to_luma
from vidsr.video.image_sequences import picture_files
from vidsr.video.still_images import read_rgb, to_unit

CROP = 160  # low-resolution pixels a side
LOWEST, HIGHEST = 0.0005, 0.9995  # quantiles between which a channel's range is taken to lie
OUTSIDE = 5e-6  # share of a layer's numbers beyond either end of its codes
CODES = 255  # steps from the lowest code to the highest


def low_pictures(folder: Path, scale: int, recipe: Recipe, count: int) -> list[Tensor]:
    """Return middles of ``count`` photographs degraded, and ``harsh``, [1, 1, h, w] in [0, 1].

    Raises InputError.
    """
    files = picture_files(folder)
    chosen = files[:: max(1, len(files) // count)][:count]
    pictures = [_middle(read_rgb(path), CROP * scale, scale) for path in chosen]
    lows = [
        degrade_picture(picture, recipe.sample(index), scale, seed=index)
        for index, picture in enumerate(pictures)
    ]
    # Never blurred or compressed: lettering lies over footage of any kind.
    lows.append(degrade_picture(harsh(scale), Recipe.load("bicubic").sample(0), scale))
    return [to_unit(to_luma(low))[None] for low in lows]


def harsh(scale: int) -> Tensor:
    """Draw black and white squares at random, 3/4 of a low-resolution pixel wide, uint8 [3, H, W].

    Photographs alone leave no room for lettering: of Set14's crops of 64x64, the worst then is
    35.9 dB from float32 through lite-x4 and 40.4 through lite-x2, with this picture 45.7 and 49.0.
    It costs 0.01 dB on Set5.
    """
    side, size = max(1, 3 * scale // 4), CROP * scale
    dice = torch.rand(
        -(-size // side), -(-size // side), generator=torch.Generator().manual_seed(0)
    )
    squares = (dice > 0.5).to(torch.uint8) * 255
    large = squares.repeat_interleave(side, 0).repeat_interleave(side, 1)[:size, :size]
    return large.expand(3, -1, -1).contiguous()


def _middle(picture: Tensor, side: int, step: int) -> Tensor:
    sides = [min(side, n - n % step) for n in picture.shape[1:]]
    top, left = ((n - s) // 2 for n, s in zip(picture.shape[1:], sides, strict=True))
    return picture[:, top : top + sides[0], left : left + sides[1]]


@torch.no_grad()
def quantise(net: Lite, pictures: Sequence[Tensor]) -> tuple[LayerSteps, ...]:
    """Return the steps of every layer after the first; ``pictures`` [1, 1, h, w] in [0, 1]."""
    convs = (*net.body, net.tail)
    return tuple(
        _layer(seen, conv.weight) for seen, conv in zip(_inputs(net, pictures), convs, strict=True)
    )


def _layer(seen: Tensor, weight: Tensor) -> LayerSteps:
    factors = tuple(round(factor, 4) for factor in _factors(seen, weight).tolist())
    step, zero = _grid(seen / torch.tensor(factors).view(-1, 1))
    return LayerSteps(step, zero, factors)


def _inputs(net: Lite, pictures: Sequence[Tensor]) -> Iterator[Tensor]:
    """Yield what goes into each layer after the first, [channels, samples of all pictures]."""
    seen = [net.activations[0](net.head(x - 0.5)) for x in pictures]
    yield _by_channel(seen)
    for conv, activation in zip(net.body, net.activations[1:], strict=True):
        seen = [activation(conv(x)) for x in seen]
        yield _by_channel(seen)


def _by_channel(tensors: Sequence[Tensor]) -> Tensor:
    return torch.cat([t.transpose(0, 1).flatten(1) for t in tensors], dim=1)


def _factors(seen: Tensor, weight: Tensor) -> Tensor:
    """Return [channels], around 1: the root of a channel's range over that of its weights.

    Half-way between equal ranges of the activations and of the weights that they meet.
    """
    low, high = (_quantile(seen, part) for part in (LOWEST, HIGHEST))
    ranges = (high - low).clamp(min=1e-4) / weight.abs().amax((0, 2, 3)).clamp(min=1e-6)
    factors = ranges.sqrt()
    return (factors / factors.mean()).clamp(min=0.01)


def _quantile(x: Tensor, part: float) -> Tensor:
    return torch.quantile(x[:, :: max(1, x.shape[1] // 20_000)], part, dim=1)


def _grid(values: Tensor) -> tuple[float, int]:
    """Return step and zero point of codes for nearly all ``values``, and for padded 0."""
    flat = values.flatten()
    outside = int(len(flat) * OUTSIDE) + 1
    low = min(flat.kthvalue(outside).values.item(), 0.0)
    high = max(flat.kthvalue(len(flat) + 1 - outside).values.item(), 1e-6)
    step = (high - low) / CODES
    return step, round(-low / step)


def make_steps(model: Model, photos: Path, recipe: Recipe, count: int) -> Steps:
    """Return the steps of ``model``, found on ``count`` photographs.

    Raises OptionError for a network that is not run in 8 bits, InputError for the photos.
    """
    net = require_lite(model)
    pictures = low_pictures(photos, model.config.scale, recipe, count)
    made_from = f"{len(pictures) - 1} photographs, recipe {recipe.name}"
    return Steps(weights_sha256(model.path), made_from, quantise(net, pictures))
