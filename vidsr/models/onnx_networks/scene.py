"""A drawn scene at any resolution: what a network made larger can be compared with."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

Picture = NDArray[np.float32]  # [3, H, W] RGB in [0, 1]
FINER = 4  # points of a sample along each axis, averaged
LARGEST_DB = 99.0


def draw(height: int, width: int, scale: int) -> tuple[Picture, Picture]:
    """Return the scene in ``height`` x ``width`` samples, and ``scale`` times as many a side.

    Waves of another length and direction in each channel, with the edges of a disc and a bar. A
    sample is the mean over its area in both, as a camera's is.
    """
    step = scale * FINER
    y, x = np.ogrid[: height * step, : width * step]
    y, x = (y + 0.5) / step, (x + 0.5) / step
    lengths = ((13.0, 17.0), (19.0, 11.0), (9.0, 23.0))
    waves = [
        np.sin(2 * math.pi * (x / a + y / b) + k) * 0.18 + 0.35 + 0.15 * k
        for k, (a, b) in enumerate(lengths)
    ]
    disc = (x - width * 0.45) ** 2 + (y - height * 0.5) ** 2 < (min(height, width) * 0.22) ** 2
    bar = np.abs(x * 0.8 + y * 0.6 - (width + height) * 0.42) < 1.5
    colours = ((0.8, 0.1), (0.35, 0.85), (0.15, 0.5))
    scene = [
        np.where(bar, b, np.where(disc, d, wave))
        for wave, (d, b) in zip(waves, colours, strict=True)
    ]
    fine = np.stack(scene).astype(np.float32)
    return _mean(fine, step), _mean(fine, FINER)


def luma(picture: Picture) -> Picture:
    """Return the picture in grey, [1, H, W]."""
    weights = np.array([0.299, 0.587, 0.114], np.float32)[:, None, None]
    grey: Picture = (picture * weights).sum(axis=0, keepdims=True, dtype=np.float32)
    return grey


def likeness_db(found: Picture, wanted: Picture) -> float:
    """Return the PSNR of the inner half of a picture; -99 for what is not finite."""
    height, width = wanted.shape[1:]
    inner = np.s_[:, height // 4 : height - height // 4, width // 4 : width - width // 4]
    with np.errstate(all="ignore"):
        error = float(np.mean((found[inner].astype(np.float64) - wanted[inner]) ** 2))
    if not math.isfinite(error):
        return -LARGEST_DB
    return LARGEST_DB if error < 1e-9 else min(LARGEST_DB, -10 * math.log10(error))


def faithfulness_db(found: Picture, low: Picture) -> float:
    """Return how like the picture made small again is to the one that it was made of.

    Of the median error, which edges do not reach: a network in a wrong range of numbers still draws
    edges, but shifts tones. srresnet-x2: 48 dB in its range, 44 and less in others.
    """
    scale = found.shape[1] // low.shape[1]
    height, width = low.shape[1:]
    inner = np.s_[:, height // 4 : height - height // 4, width // 4 : width - width // 4]
    with np.errstate(all="ignore"):
        error = np.square(_mean(found, scale)[inner] - low[inner])
        middle = float(np.median(error))
    if not np.isfinite(error).all():
        return -LARGEST_DB
    return LARGEST_DB if middle < 1e-9 else min(LARGEST_DB, -10 * math.log10(middle))


def _mean(fine: Picture, step: int) -> Picture:
    channels, height, width = fine.shape
    blocks = fine.reshape(channels, height // step, step, width // step, step)
    means: Picture = blocks.mean(axis=(2, 4), dtype=np.float32)
    return means
