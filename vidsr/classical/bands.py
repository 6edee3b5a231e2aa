"""Banded matrices: products with the few entries of each row that are not 0.

A row of a shrinking matrix has four times the scale of such entries, whatever the size of the
picture, and the next row has them a scale further. The sum of a sample is taken in the same order
wherever the band lies, so that it does not depend on the picture around it.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import EllipsisType

import torch
from torch import Tensor
from torch.nn.functional import pad


@dataclass(frozen=True)
class Bands:
    """A matrix ``[h, H]`` whose row i is 0 but for columns from i * step + first on.

    Attributes:
        weights: Entries ``[taps, h]``; 0 for columns outside.
        first: Column at which the band of row 0 begins; may be negative.
        step: Columns from row to row.
        columns: H.
    """

    weights: Tensor
    first: int
    step: int
    columns: int

    @classmethod
    def of(cls, matrix: Tensor) -> Bands:
        """Return the bands of any matrix."""
        rows, columns = matrix.nonzero(as_tuple=True)
        if not len(rows):
            return cls(matrix.new_zeros(1, len(matrix)), 0, 1, matrix.shape[1])
        begins = (matrix != 0).byte().argmax(1)
        step = max(1, int(begins.diff().median())) if len(matrix) > 1 else 1
        offsets = columns - rows * step
        first = int(offsets.min())
        weights = matrix.new_zeros(int(offsets.max()) - first + 1, len(matrix))
        weights[offsets - first, rows] = matrix[rows, columns]
        return cls(weights, first, step, matrix.shape[1])

    def times(self, x: Tensor, dim: int) -> Tensor:
        """Return the matrix times ``x`` along ``dim``, -2 or -1: H samples become h."""
        x = _padded(x, self._before, self._after, dim)
        result = x.new_zeros(_with(x.shape, dim, self.weights.shape[1]))
        for tap, weight in enumerate(self.weights):
            result.addcmul_(x[self._seen(tap, dim)], _along(weight, dim))
        return result

    def transposed_times(self, y: Tensor, dim: int) -> Tensor:
        """Return the transposed matrix times ``y`` along ``dim``, -2 or -1: h become H."""
        sides = self._before + self.columns + self._after
        result = y.new_zeros(_with(y.shape, dim, sides))
        for tap, weight in enumerate(self.weights):
            result[self._seen(tap, dim)].addcmul_(y, _along(weight, dim))
        return result.narrow(dim, self._before, self.columns)

    @property
    def _before(self) -> int:
        return max(0, -self.first)

    @property
    def _after(self) -> int:
        taps, rows = self.weights.shape
        return max(0, (rows - 1) * self.step + self.first + taps - self.columns)

    def _seen(self, tap: int, dim: int) -> tuple[EllipsisType | slice, ...]:
        begin = self._before + self.first + tap
        end = begin + (self.weights.shape[1] - 1) * self.step + 1
        part = slice(begin, end, self.step)
        return (..., part) if dim == -1 else (..., part, slice(None))


def _padded(x: Tensor, before: int, after: int, dim: int) -> Tensor:
    if not before and not after:
        return x
    return pad(x, (before, after) if dim == -1 else (0, 0, before, after))


def _along(weight: Tensor, dim: int) -> Tensor:
    return weight if dim == -1 else weight[:, None]


def _with(shape: torch.Size, dim: int, length: int) -> list[int]:
    sides = list(shape)
    sides[dim] = length
    return sides
