"""Projection onto convex sets: a picture is moved, as little as can be, until each sample fits.

Stark and Oskoui 1989, "High-resolution image recovery from image-plane arrays, using convex
projections". One set a sample of each frame: pictures whose capture is within ``tolerance`` of it;
and one of pictures within the bounds. Each projection onto a set is exact. Samples whose pixels do
not overlap do not disturb each other and are projected at once, which is the same.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from vidsr.classical.captures import Capture
from vidsr.classical.observation import Observation

APART = 1e-9  # of squared norms: what counts as no overlap


def project(
    start: Tensor,
    observations: Sequence[Observation],
    *,
    rounds: int = 10,
    tolerance: float = 0.5,
    bounds: tuple[float, float] | None = (0.0, 255.0),
) -> Tensor:
    """Return the picture after some rounds over all sets.

    Args:
        start: The picture to begin with, ``[C, H, W]`` float.
        observations: One or several frames; samples of weight 0 bind nothing.
        rounds: How often all sets are gone through.
        tolerance: What a captured sample may differ by; 0.5 is the rounding to 8 bits.
        bounds: Least and greatest sample of the picture, which are held at the end; None for none.
    """
    picture = start.clone()
    for _ in range(rounds):
        for observation in observations:
            project_frame(picture, observation, tolerance)
            if bounds is not None:
                picture.clamp_(*bounds)
    return picture


def project_frame(picture: Tensor, observation: Observation, tolerance: float) -> None:
    """Move ``picture``, in place, onto the sets of one frame, one after the other."""
    capture = observation.capture
    rows, columns = spacing(capture.down), spacing(capture.across)
    for top in range(rows):
        for left in range(columns):
            part = (slice(top, None, rows), slice(left, None, columns))
            _project_part(picture, observation, part, tolerance)


def _project_part(
    picture: Tensor, observation: Observation, part: tuple[slice, slice], tolerance: float
) -> None:
    whole = observation.capture
    few = Capture(whole.down[part[0]], whole.across[part[1]], whole.scale)
    if not len(few.down) or not len(few.across):
        return
    residual = observation.frame[:, part[0], part[1]] - few.forward(picture)
    beyond = residual - residual.clamp(-tolerance, tolerance)
    if observation.weight is not None:
        beyond = beyond * (observation.weight[part] > 0)
    squared = few.down.square().sum(1)[:, None] * few.across.square().sum(1)
    picture += few.adjoint(beyond / squared)


def spacing(matrix: Tensor) -> int:
    """Return the least distance from which on no two rows of ``[h, H]`` overlap."""
    touching = (matrix.abs() @ matrix.abs().T) > APART
    apart = torch.arange(len(matrix), device=matrix.device)
    return int(((apart[:, None] - apart).abs() * touching).max()) + 1
