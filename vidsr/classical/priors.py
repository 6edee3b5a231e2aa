"""Priors: how unlikely a picture is, and the gradient of that.

Each is a sum over differences of neighbours; the gradients are written out, and tests hold them
against PyTorch's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

# (down, across) steps of the second differences: rows, columns and both diagonals.
DIRECTIONS = ((0, 1), (1, 0), (1, 1), (1, -1))


class Prior(Protocol):
    """The protocol of priors."""

    def value(self, picture: Tensor) -> Tensor:
        """Return the sum over ``[C, H, W]``, a scalar."""
        ...

    def gradient(self, picture: Tensor) -> Tensor:
        """Return the gradient ``[C, H, W]`` of ``value``."""
        ...

    @property
    def curvature(self) -> float:
        """An upper bound of the greatest eigenvalue of the second derivative."""
        ...


@dataclass(frozen=True)
class HuberMarkov:
    """The Markov field of Schultz and Stevenson 1994: Huber's function of second differences.

    rho(d) = d^2 / 2 up to the threshold, and threshold * |d| - threshold^2 / 2 beyond: small bends
    are smoothed, edges stay. Diagonal differences count half, being longer.

    Attributes:
        threshold: In levels, more than 0.
    """

    threshold: float = 2.0

    def value(self, picture: Tensor) -> Tensor:
        """Return the sum over all second differences."""
        total = 0 * picture.sum()
        for parts, share in _triples(picture):
            bend = parts[0] - 2 * parts[1] + parts[2]
            size = bend.abs()
            small = size.clamp(max=self.threshold)
            total = total + share * (small * (size - small / 2)).sum()
        return total

    def gradient(self, picture: Tensor) -> Tensor:
        """Return the gradient of ``value``."""
        result = torch.zeros_like(picture)
        views = _triples(result)
        for (parts, share), (first, middle, last) in zip(
            _triples(picture), (found for found, _ in views), strict=True
        ):
            bend = parts[0] - 2 * parts[1] + parts[2]
            force = share * bend.clamp(-self.threshold, self.threshold)
            first += force
            middle -= 2 * force
            last += force
        return result

    @property
    def curvature(self) -> float:
        """The bound: a second difference has a squared norm of at most 16."""
        return 16.0 * (1 + 1 + 0.5 + 0.5)


def _triples(picture: Tensor) -> Iterator[tuple[tuple[Tensor, Tensor, Tensor], float]]:
    """Yield views of three neighbours in a line, for each direction, and its share."""
    height, width = picture.shape[-2:]
    for down, across in DIRECTIONS:
        high, wide = height - 2 * down, width - 2 * abs(across)
        if high < 1 or wide < 1:
            continue
        begin = 2 if across < 0 else 0
        parts = [
            picture[..., n * down : n * down + high, begin + n * across : begin + n * across + wide]
            for n in range(3)
        ]
        yield (parts[0], parts[1], parts[2]), 0.5 if down and across else 1.0


@dataclass(frozen=True)
class TotalVariation:
    """The sum of gradients' lengths, of Rudin, Osher and Fatemi 1992, rounded off at 0.

    sqrt(dx^2 + dy^2 + softness^2) - softness, with differences to the right and below, 0 at edges.

    Attributes:
        softness: In levels, more than 0.
    """

    softness: float = 1.0

    def value(self, picture: Tensor) -> Tensor:
        """Return the sum over all samples."""
        below, right = _differences(picture)
        return (self._lengths(below, right) - self.softness).sum()

    def gradient(self, picture: Tensor) -> Tensor:
        """Return the gradient of ``value``."""
        below, right = _differences(picture)
        lengths = self._lengths(below, right)
        below, right = below / lengths, right / lengths
        result = -(below + right)
        result[..., 1:, :] += below[..., :-1, :]
        result[..., :, 1:] += right[..., :, :-1]
        return result

    def _lengths(self, below: Tensor, right: Tensor) -> Tensor:
        return (below.square() + right.square() + self.softness**2).sqrt()

    @property
    def curvature(self) -> float:
        """The bound: differences both ways have a squared norm of at most 8."""
        return 8.0 / self.softness


def _differences(picture: Tensor) -> tuple[Tensor, Tensor]:
    """Return next minus this, down and across, both ``[C, H, W]`` and 0 at the last."""
    below, right = torch.zeros_like(picture), torch.zeros_like(picture)
    below[..., :-1, :] = picture[..., 1:, :] - picture[..., :-1, :]
    right[..., :, :-1] = picture[..., :, 1:] - picture[..., :, :-1]
    return below, right


PRIORS: dict[str, Callable[[], Prior]] = {"huber": HuberMarkov, "tv": TotalVariation}
