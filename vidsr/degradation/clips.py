"""Short clips made of photographs, so that the work of codecs between frames is real."""

from __future__ import annotations

import math
import random
from fractions import Fraction

import torch
from torch import Tensor

from vidsr.errors import OptionError
from vidsr.picture.resample import resample
from vidsr.picture.size import Size
from vidsr.video.still_images import to_unit

STILL_SHARE = 0.25  # of clips: a camera that does not move
FASTEST_PX = 1.5  # a frame, per axis
FASTEST_ZOOM = 0.004  # a frame, as a share of the size
FLICKER = 0.5 / 255


def pan_clip(picture: Tensor, frames: int, size: Size, rng: random.Random) -> Tensor:
    """Make a clip of a window that drifts over a picture.

    The window moves by fractions of a pixel (up to 1.5 a frame), zooms slowly, or stands still; it
    never leaves the picture, nor shows more of it than ``size``. Lanczos keeps it sharp.

    Args:
        picture: uint8 ``[3, H, W]``.
        frames: Number of frames, 1 or more.
        size: Size of the clip, h by w.
        rng: Source of the motion's random numbers.

    Returns:
        ``[frames, 3, h, w]`` float32 in [0, 1].

    Raises:
        OptionError: The picture is smaller than ``size``.
    """
    _, height, width = picture.shape
    if frames < 1 or not (1 <= size.height <= height and 1 <= size.width <= width):
        raise OptionError(
            f"a picture of {list(picture.shape)} is too small for {frames} frames of {size}"
        )
    still = rng.random() < STILL_SHARE
    zoom = 0.0 if still else rng.uniform(-FASTEST_ZOOM, FASTEST_ZOOM)
    rows, columns = (
        _path(old, new, frames, zoom, 0.0 if still else rng.uniform(-1, 1) * FASTEST_PX, rng)
        for old, new in zip((height, width), size.rows_columns, strict=True)
    )
    pairs = zip(rows, columns, strict=True)
    return torch.cat([_window(picture, size, y, x) for y, x in pairs]).clamp_(0, 1)


def _path(
    old: int, new: int, frames: int, zoom: float, speed_px: float, rng: random.Random
) -> list[tuple[Fraction, Fraction]]:
    """Return (step, origin) of one axis for each frame: the window's scale and its first sample."""
    steps = [1 - abs(zoom) * (i if zoom > 0 else frames - 1 - i) for i in range(frames)]
    steps = [max(0.5, step) for step in steps]
    drift = [speed_px * i - (step - 1) * (new - 1) / 2 for i, step in enumerate(steps)]
    last = [d + step * (new - 1) for d, step in zip(drift, steps, strict=True)]
    # Where the window may begin so that no frame of it leaves the picture.
    low, high = -min(drift), old - 1 - max(last)
    if low > high:  # it moves further than the picture goes: slower
        return _path(old, new, frames, zoom, speed_px / 2 if abs(speed_px) > 0.01 else 0.0, rng)
    low_whole, high_whole = math.ceil(low), math.floor(high)
    begin = rng.randint(low_whole, high_whole) if low_whole <= high_whole else low
    return [
        (Fraction(step).limit_denominator(4096), Fraction(begin + d).limit_denominator(256))
        for step, d in zip(steps, drift, strict=True)
    ]


def _window(
    picture: Tensor,
    size: Size,
    rows: tuple[Fraction, Fraction],
    columns: tuple[Fraction, Fraction],
) -> Tensor:
    (y_step, y), (x_step, x) = rows, columns
    top, left = max(0, math.floor(y) - 4), max(0, math.floor(x) - 4)
    bottom, right = top + size.height + 12, left + size.width + 12
    part = to_unit(picture[None, :, top:bottom, left:right])
    origin = (y - top, x - left)
    return resample(part, size, step=(y_step, x_step), origin=origin, kernel="lanczos")


def still_clip(picture: Tensor, frames: int, generator: torch.Generator) -> Tensor:
    """Make ``[frames, 3, H, W]`` of a float ``[3, H, W]`` in [0, 1]; the last frame is the picture.

    Those before differ by noise of half a level, without which a codec would repeat the first.
    """
    shape = (frames - 1, *picture.shape)
    noise = torch.randn(shape, generator=generator, dtype=picture.dtype)
    return torch.cat(((picture + FLICKER * noise).clamp_(0, 1), picture[None]))
