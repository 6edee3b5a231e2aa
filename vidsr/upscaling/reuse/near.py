"""A picture that follows a noisy one no closer than a bound on every sample requires."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vidsr.picture.frame import Frame, VideoFormat
from vidsr.upscaling.reuse.cells import CELL, Cells, any_in_cells
from vidsr.upscaling.reuse.rule import Reuse

# Of the bound, for the mean of a cell: noise averages out in a cell, and what is left shows as a
# square on a plain wall.
DRIFT = 0.5
REFRESHED = 8  # cells a side that are refreshed together: one window, instead of many


class Hold:
    """Picture that is held: cells of it are replaced when one of their samples is too far off.

    The network sees what is held, so its result is exactly that of a picture no sample of which
    differs from the frame by more than the bound. Comparing with what is held, and not with the
    frame before, keeps slow changes from adding up.

    Args:
        layout: Format of the frames.
        rule: The bound, and the frames after which every cell is replaced whatever it holds.
        planes: Number of planes that the network sees; the others pass through.
    """

    def __init__(self, layout: VideoFormat, rule: Reuse, planes: int) -> None:
        self._bound = int(rule.near_levels * 2 ** (layout.pixel.depth - 8))
        # The sum of a cell of 8 bits fits into 16.
        self._kind = np.int16 if layout.pixel.depth == 8 else np.int32
        self._drift = DRIFT * self._bound
        self._layout, self._planes = layout, planes
        self._held: list[Tensor] | None = None
        self._period, self._frame = rule.refresh_frames, 0

    def seen(self, frame: Frame, *, keep: bool = True) -> Frame:
        """Return the frame with what is held in place of its samples, in planes of its own.

        Args:
            frame: The next frame of the stream.
            keep: False to leave what is held as it is, for a look ahead.
        """
        new = frame.planes[: self._planes]
        if self._held is None:
            held = [plane.clone() for plane in new]
        else:
            cells = self._far(self._held, new) | self._due(self._frame)
            held = [self._followed(*pair, cells) for pair in zip(self._held, new, strict=True)]
        if keep:
            self._held, self._frame = held, self._frame + 1
        return replace(frame, planes=(*held, *frame.planes[self._planes :]))

    def _far(self, held: Sequence[Tensor], new: Sequence[Tensor]) -> Cells:
        """Return the cells in which a sample of some plane is too far from what is held."""
        found = None
        for old, plane in zip(held, new, strict=True):
            cells = self._moved(plane.numpy().astype(self._kind) - old.numpy(), *self._cell(plane))
            found = cells if found is None else found | cells
        assert found is not None
        return found

    def _moved(self, change: NDArray[np.signedinteger], height: int, width: int) -> Cells:
        """Return the cells of ``[h, w]`` in which a sample, or all on average, changed too much."""
        cells = any_in_cells(np.abs(change) > self._bound, height, width)
        rows = np.add.reduceat(change, np.arange(0, change.shape[0], height), axis=0)
        sums = np.add.reduceat(rows, np.arange(0, change.shape[1], width), axis=1)
        moved: Cells = np.abs(sums) > self._drift * height * width
        return cells | moved

    def _cell(self, plane: Tensor) -> tuple[int, int]:
        """Return height and width of a cell in samples of a plane."""
        across, down = self._layout.pixel.subsampling
        chroma = tuple(plane.shape) != (self._layout.height, self._layout.width)
        return (CELL // down, CELL // across) if chroma else (CELL, CELL)

    def _due(self, frame: int) -> Cells:
        """Return the cells whose turn it is to be replaced, however near they are."""
        rows, columns = -(-self._layout.height // CELL), -(-self._layout.width // CELL)
        wide = -(-columns // REFRESHED)
        count = -(-rows // REFRESHED) * wide
        first, last = (count * (frame % self._period + n) // self._period for n in (0, 1))
        due = np.zeros((rows, columns), np.bool_)
        for block in range(first, last):
            top, left = block // wide * REFRESHED, block % wide * REFRESHED
            due[top : top + REFRESHED, left : left + REFRESHED] = True
        return due

    def _followed(self, held: Tensor, new: Tensor, cells: Cells) -> Tensor:
        """Return the new samples in ``cells`` and the held ones elsewhere."""
        height, width = self._cell(new)
        marks = cells.repeat(height, 0)[: new.shape[0]].repeat(width, 1)[:, : new.shape[1]]
        return torch.from_numpy(np.where(marks, new.numpy(), held.numpy()))
