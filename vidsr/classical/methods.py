"""Reconstruction by name: ``ibp``, ``pocs``, ``map-huber`` and ``map-tv``."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial

import torch
from torch import Tensor
from torch.nn.functional import interpolate

from vidsr.classical.back_projection import back_project
from vidsr.classical.captures import capture
from vidsr.classical.convex_sets import project
from vidsr.classical.most_likely import most_likely
from vidsr.classical.observation import Observation
from vidsr.classical.priors import HuberMarkov, Prior, TotalVariation
from vidsr.picture.size import Size

Method = Callable[[Tensor, Sequence[Observation]], Tensor]
# Chosen on the middles, 256x256, of ten photographs that networks were trained on, at half size,
# shrunk by 4; PSNR on Y, bicubic 28.14 dB. Huber at 0.001, 0.003, 0.01 with a threshold of 1:
# 28.93, 28.98, 29.00; of 3: 29.03, 29.08, 29.08; of 8: 29.07, 29.07, 28.99. Total variation of
# softness 0.5 at 0.003, 0.01, 0.03, 0.1: 29.35, 29.49, 29.53, 29.50. Back-projection 28.79 from 10
# rounds on, projections 28.79, 28.81 and 28.82 after 3, 10 and 30.
REGISTERED = 3.0  # levels that a sample of several frames may be off
Numbers = Mapping[str, float]
NUMBERS: dict[str, Numbers] = {
    "ibp": {"rounds": 10, "step": 1.0},
    "pocs": {"rounds": 10, "tolerance": 0.5},  # levels, the rounding of one frame
    "map-huber": {"rounds": 60, "strength": 0.005, "threshold": 3.0},
    "map-tv": {"rounds": 100, "strength": 0.02, "softness": 0.5},
}
"""The numbers of each method, by name."""


def method_of(name: str, numbers: Numbers) -> Method:
    """Return a method with numbers of one's own: all that ``NUMBERS`` has of that name."""
    rounds = int(numbers["rounds"])
    if name == "ibp":
        return partial(back_project, rounds=rounds, step=numbers["step"])
    if name == "pocs":
        return partial(_projected, rounds=rounds, tolerance=numbers["tolerance"])
    prior: Prior
    if name == "map-huber":
        prior = HuberMarkov(numbers["threshold"])
    else:
        prior = TotalVariation(numbers["softness"])
    return partial(_likely, prior=prior, strength=numbers["strength"], rounds=rounds)


def _projected(
    start: Tensor, seen: Sequence[Observation], *, rounds: int, tolerance: float
) -> Tensor:
    among = tolerance if len(seen) == 1 else max(tolerance, REGISTERED)
    return project(start, seen, rounds=rounds, tolerance=among)


def _likely(
    start: Tensor, seen: Sequence[Observation], *, prior: Prior, strength: float, rounds: int
) -> Tensor:
    return most_likely(start, seen, prior, strength=strength * len(seen), rounds=rounds)


METHODS: dict[str, Method] = {name: method_of(name, NUMBERS[name]) for name in NUMBERS}
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
