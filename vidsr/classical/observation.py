"""Observations: small frames, each with the capture that gave it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor

from vidsr.classical.captures import Capture


@dataclass(frozen=True)
class Observation:
    """A small frame of the large picture.

    Attributes:
        frame: Samples ``[C, h, w]``, float.
        capture: The way from the large picture to the frame.
        weight: How far each sample is believed, ``[h, w]`` of 0 to 1; None is 1 everywhere.
    """

    frame: Tensor
    capture: Capture
    weight: Tensor | None = None

    def residual(self, picture: Tensor) -> Tensor:
        """Return what the frame has more than the capture of ``picture``, ``[C, h, w]``."""
        return self.frame - self.capture.forward(picture)

    def weighted(self, values: Tensor) -> Tensor:
        """Return ``[C, h, w]`` times the weight."""
        return values if self.weight is None else values * self.weight


def back_projected(picture: Tensor, observations: Sequence[Observation]) -> Tensor:
    """Return the sum over observations of the adjoint of the weighted residual, ``[C, H, W]``.

    It is minus the gradient of half the sum of their weighted squared residuals.
    """
    parts = [o.capture.adjoint(o.weighted(o.residual(picture))) for o in observations]
    return sum(parts[1:], start=parts[0])
