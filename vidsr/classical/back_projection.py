"""Iterative back-projection: what a capture lacks against the frame is put back into the picture.

Irani and Peleg 1991, "Improving resolution by image registration".
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from vidsr.classical.observation import Observation, back_projected


def back_project(
    start: Tensor,
    observations: Sequence[Observation],
    *,
    rounds: int = 10,
    step: float = 1.0,
) -> Tensor:
    """Return the picture after some rounds.

    Each round adds what the frames have more than their captures:

        x <- x + step * (sum over frames of A^T w (y - A x)) / (sum over frames of A^T w)

    A^T spreads each small sample over the large ones that it was captured from, and the divisor is
    how often each of those was seen.

    Args:
        start: The picture to begin with, ``[C, H, W]`` float.
        observations: One or several frames.
        rounds: How often.
        step: Share of the difference that is put back at once, above 0 and below 2.
    """
    picture = start
    share = step / times_seen(observations)
    for _ in range(rounds):
        picture = picture + share * back_projected(picture, observations)
    return picture


def times_seen(observations: Sequence[Observation]) -> Tensor:
    """Return how much frames hold of each sample, ``[1, H, W]``: about their number / scale^2."""
    ones = [o.weighted(torch.ones_like(o.frame[:1])) for o in observations]
    parts = [o.capture.adjoint(each) for o, each in zip(observations, ones, strict=True)]
    least = 0.5 / observations[0].capture.scale ** 2  # what is hardly seen is hardly known
    return sum(parts[1:], start=parts[0]).clamp(min=least)
