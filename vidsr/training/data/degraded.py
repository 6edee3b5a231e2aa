"""Pairs made by degrading: a whole picture, or one frame of a short clip."""

from __future__ import annotations

import random

import torch
from torch import Tensor

from vidsr.degradation.chain import Chain
from vidsr.degradation.clips import pan_clip
from vidsr.degradation.recipe import Recipe
from vidsr.picture.luma import LUMA
from vidsr.picture.size import Size
from vidsr.training.data.crop_pool import TrainingPair
from vidsr.training.options import Options
from vidsr.video.codec_kinds import CODEC_KINDS
from vidsr.video.still_images import to_bytes, to_unit

CLIP_FRAMES = 6
"""Frames of a degraded clip: enough for predicted and bidirectional pictures of a codec."""
CLIP_SIDE = 256
"""Side of a degraded clip in high-resolution pixels, at the least."""
_CODING = (*CODEC_KINDS, "jpeg")
_DRAWING = ("gaussian_noise", "sensor_noise", "chroma_noise")


def clip_side(options: Options) -> int:
    """Return the side of a degraded clip in high-resolution pixels."""
    return max(CLIP_SIDE, (options.crop + 16) * options.scale)


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


def still_pair(picture: Tensor, recipe: Recipe, scale: int) -> TrainingPair:
    """Pair a whole picture with its degradation, by a recipe that neither draws nor moves."""
    high = trim(picture, scale)
    chain = recipe.sample(0)
    low = to_bytes(chain.apply(to_unit(high)[None], scale)[0])
    return TrainingPair(low, high, chain.describe())


def moving_pair(
    picture: Tensor, recipe: Recipe, options: Options, rng: random.Random
) -> TrainingPair:
    """Pair one frame, not the first, of a short clip out of a picture with its degradation."""
    side, scale = clip_side(options), options.scale
    height, width = (min(side, length) // scale * scale for length in picture.shape[1:])
    clip = to_unit(to_bytes(pan_clip(picture, CLIP_FRAMES, Size(width, height), rng)))
    return clip_pair(clip, recipe, scale, rng)


def clip_pair(clip: Tensor, recipe: Recipe, scale: int, rng: random.Random) -> TrainingPair:
    """Pair one frame, not the first, of a clip ``[T, 3, H, W]`` in [0, 1] with its degradation."""
    chain = recipe.sample(rng.randrange(2**31))
    low = chain.apply(clip, scale)
    frame = rng.randrange(1, len(clip))
    error = coding_error(chain, clip[: frame + 1], low[frame], scale)
    return TrainingPair(to_bytes(low[frame]), to_bytes(clip[frame]), chain.describe(), error)


def coding_error(chain: Chain, clip: Tensor, low: Tensor, scale: int) -> float:
    """Return how far coding moved the luma of the last frame, rms in levels of 8 bits.

    Args:
        chain: The chain that made ``low``.
        clip: ``[T, 3, H, W]`` in [0, 1], up to the frame in question.
        low: ``[3, h, w]`` in [0, 1]: what the chain made of the last frame.
        scale: How many times smaller ``low`` is.
    """
    clean = Chain(tuple(step for step in chain.steps if step.op not in _CODING))
    if clean == chain:
        return 0.0
    # Steps draw from seeds of their own, frame after frame; where none draws, one frame does.
    alone = not clean.temporal and not any(step.op in _DRAWING for step in clean.steps)
    apart = low - clean.apply(clip[-1:] if alone else clip, scale)[-1]
    luma = sum(weight * plane for weight, plane in zip(LUMA, apart, strict=True))
    assert isinstance(luma, Tensor)
    return 255 * float(luma.square().mean().sqrt())
