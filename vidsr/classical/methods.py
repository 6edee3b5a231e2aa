"""Reconstruction by name: ``ibp``, ``pocs``, ``map-huber`` and ``map-tv``."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor
from torch.nn.functional import interpolate

from vidsr.classical.back_projection import back_project
from vidsr.classical.captures import capture
from vidsr.classical.convex_sets import project
from vidsr.classical.most_likely import most_likely
from vidsr.classical.observation import Observation
from vidsr.classical.priors import HuberMarkov, TotalVariation
from vidsr.picture.size import Size

Method = Callable[[Tensor, Sequence[Observation]], Tensor]
# Chosen on the middles, 256x256, of ten photographs that networks were trained on, at half size,
# shrunk by 4; PSNR on Y, bicubic 28.14 dB. Huber at 0.001, 0.003, 0.01 with a threshold of 1:
# 28.93, 28.98, 29.00; of 3: 29.03, 29.08, 29.08; of 8: 29.07, 29.07, 28.99. Total variation of
# softness 0.5 at 0.003, 0.01, 0.03, 0.1: 29.35, 29.49, 29.53, 29.50. Back-projection 28.79 from 10
# rounds on, projections 28.79, 28.81 and 28.82 after 3, 10 and 30.
ROUNDED, REGISTERED = 0.5, 3.0  # levels that a sample may be off, of one frame and of several
HUBER_STRENGTH = 0.005
HUBER_THRESHOLD = 3.0
TV_STRENGTH = 0.02
TV_SOFTNESS = 0.5
TV_ROUNDS = 100

METHODS: dict[str, Method] = {
    "ibp": back_project,
    "pocs": lambda start, seen: project(
        start, seen, tolerance=ROUNDED if len(seen) == 1 else REGISTERED
    ),
    "map-huber": lambda start, seen: most_likely(
        start, seen, HuberMarkov(HUBER_THRESHOLD), strength=HUBER_STRENGTH * len(seen)
    ),
    "map-tv": lambda start, seen: most_likely(
        start,
        seen,
        TotalVariation(TV_SOFTNESS),
        strength=TV_STRENGTH * len(seen),
        rounds=TV_ROUNDS,
    ),
}
"""From a start ``[C, H, W]`` and observations, in 0..255, to the picture; by name."""


def reconstruct(picture: Tensor, scale: int, method: str) -> Tensor:
    """Upscale one picture, taken as the bicubic shrinking of what is sought.

    Args:
        picture: ``[C, h, w]`` uint8, or float of 0..255; greater floats are taken as samples of
            the least depth in bits that holds them.
        scale: Factor, 1 or more.
        method: A name of ``METHODS``.

    Returns:
        ``[C, scale * h, scale * w]`` of the same dtype, within the range of the depth.
    """
    peak = _peak(picture)
    frame = picture.float() * (255 / peak)
    seen = Observation(frame, capture(Size(frame.shape[2], frame.shape[1]), scale))
    result = METHODS[method](enlarged(frame, scale), [seen]).clamp(0, 255) * (peak / 255)
    return (result.round() if picture.dtype == torch.uint8 else result).to(picture.dtype)


def enlarged(frame: Tensor, scale: int) -> Tensor:
    """Return ``[C, h, w]`` float upscaled by bicubic: what every method begins with."""
    shape = (frame.shape[1] * scale, frame.shape[2] * scale)
    return interpolate(frame[None], shape, mode="bicubic", antialias=True)[0]


def _peak(picture: Tensor) -> float:
    if picture.dtype == torch.uint8:
        return 255.0
    bits = max(8, int(picture.max().clamp(min=1).floor()).bit_length())
    return float(2**bits - 1)
