"""Maximum a posteriori: the picture that is most likely, given the frames and a prior.

    1/2 sum over frames of |w (A x - y)|^2 + strength * prior(x)

is minimised by Nesterov's accelerated gradient descent, with steps that its curvature allows.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from torch import Tensor

from vidsr.classical.observation import Observation, back_projected
from vidsr.classical.priors import Prior


def most_likely(
    start: Tensor,
    observations: Sequence[Observation],
    prior: Prior,
    *,
    strength: float,
    rounds: int = 60,
) -> Tensor:
    """Return the picture after some steps of descent.

    Args:
        start: The picture to begin with, ``[C, H, W]`` float.
        observations: One or several frames.
        prior: What is taken for likely.
        strength: How much the prior counts against the frames, 0 or more.
        rounds: Number of steps.
    """
    curvature = sum(o.capture.squared_norm for o in observations) + strength * prior.curvature
    picture = ahead = start
    momentum = 1.0
    for _ in range(rounds):
        before, picture = picture, ahead + descent(ahead, observations, prior, strength) / curvature
        following = (1 + math.sqrt(1 + 4 * momentum**2)) / 2
        ahead = picture + (momentum - 1) / following * (picture - before)
        momentum = following
    return picture


def cost(
    picture: Tensor, observations: Sequence[Observation], prior: Prior, strength: float
) -> Tensor:
    """Return what is minimised, a scalar."""
    fits = [o.weighted(o.residual(picture).square()).sum() / 2 for o in observations]
    return sum(fits, start=strength * prior.value(picture))


def descent(
    picture: Tensor, observations: Sequence[Observation], prior: Prior, strength: float
) -> Tensor:
    """Return minus the gradient of ``cost``, ``[C, H, W]``."""
    return back_projected(picture, observations) - strength * prior.gradient(picture)
