"""Projection onto convex sets: a picture is moved, as little as can be, until each sample fits.

Stark and Oskoui 1989, "High-resolution image recovery from image-plane arrays, using convex
projections". One set a sample of each frame: pictures whose capture is within ``tolerance`` of it;
and one of pictures within the bounds. Each projection onto a set is exact. Samples whose pixels do
not overlap do not disturb each other and are projected at once, which is the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from vidsr.classical.captures import Capture, WholeCapture
from vidsr.classical.observation import Observation

SMALL = 1 << 14  # entries of a matrix that is multiplied as a whole
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
    apart = [groups(observation.capture) for observation in observations]
    for _ in range(rounds):
        for observation, each in zip(observations, apart, strict=True):
            _project_groups(picture, observation, each, tolerance)
            if bounds is not None:
                picture.clamp_(*bounds)
    return picture


@dataclass(frozen=True)
class Group:
    """Samples of a frame whose pixels do not overlap.

    Attributes:
        part: Where they lie in the frame.
        capture: The capture of them alone.
        squared: Squared norms ``[h, w]`` of their rows of the capture.
    """

    part: tuple[slice, slice]
    capture: Capture
    squared: Tensor


def groups(capture: Capture) -> list[Group]:
    """Return groups that hold every sample of a frame once."""
    rows, columns = spacing(capture.down), spacing(capture.across)
    small = max(capture.down.numel(), capture.across.numel()) <= SMALL
    kind = WholeCapture if small else Capture
    found = []
    for top in range(min(rows, len(capture.down))):
        for left in range(min(columns, len(capture.across))):
            part = (slice(top, None, rows), slice(left, None, columns))
            few = kind(capture.down[part[0]], capture.across[part[1]], capture.scale)
            squared = few.down.square().sum(1)[:, None] * few.across.square().sum(1)
            found.append(Group(part, few, squared))
    return found


def project_frame(picture: Tensor, observation: Observation, tolerance: float) -> None:
    """Move ``picture``, in place, onto the sets of one frame, one after the other."""
    _project_groups(picture, observation, groups(observation.capture), tolerance)


def _project_groups(
    picture: Tensor, observation: Observation, apart: Sequence[Group], tolerance: float
) -> None:
    for group in apart:
        frame = observation.frame[:, group.part[0], group.part[1]]
        residual = frame - group.capture.forward(picture)
        beyond = residual - residual.clamp(-tolerance, tolerance)
        if observation.weight is not None:
            beyond = beyond * (observation.weight[group.part] > 0)
        picture += group.capture.adjoint(beyond / group.squared)


def spacing(matrix: Tensor) -> int:
    """Return the least distance from which on no two rows of ``[h, H]`` overlap."""
    touching = (matrix.abs() @ matrix.abs().T) > APART
    apart = torch.arange(len(matrix), device=matrix.device)
    return int(((apart[:, None] - apart).abs() * touching).max()) + 1
