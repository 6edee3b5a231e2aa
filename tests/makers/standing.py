"""Streams of pictures in which most stands still."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch

from vidsr.picture.coding_error import CodingError
from vidsr.picture.frame import Frame, VideoFormat

Planes = tuple[torch.Tensor, ...]


class Standing:
    """Pictures of noise in which each next one differs from the one before in a few boxes."""

    def __init__(self, layout: VideoFormat, seed: int = 0) -> None:
        self.layout, self.random = layout, np.random.default_rng(seed)
        self.planes = self._noise()
        self.pts = 0

    def _noise(self) -> list[np.ndarray[tuple[int, int], np.dtype[np.generic]]]:
        peak, dtype = 2**self.layout.pixel.depth, self.layout.pixel.dtype
        kind = np.uint8 if dtype == torch.uint8 else np.uint16
        sizes = self.layout.plane_sizes
        return [self.random.integers(0, peak, size).astype(kind) for size in sizes]

    def cut(self) -> None:
        """Change everything, as a cut or a key frame of a noisy camera does."""
        self.planes = self._noise()

    def move(self, boxes: int = 2, side: int = 9) -> None:
        """Change some samples in a few boxes of a few planes."""
        fresh = self._noise()
        for _ in range(boxes):
            index = int(self.random.integers(len(self.planes)))
            old, new = self.planes[index], fresh[index]
            top, left = (int(self.random.integers(length)) for length in old.shape)
            rows, columns = (int(self.random.integers(1, side)) for _ in range(2))
            box = slice(top, top + rows), slice(left, left + columns)
            old[box] = new[box]

    def shake(self, levels: int) -> None:
        """Change every sample by up to ``levels``, never over a limit, as noise does."""
        for index, plane in enumerate(self.planes):
            change = self.random.integers(-levels, levels + 1, plane.shape)
            peak = 2**self.layout.pixel.depth - 1
            moved = plane.astype(np.int64) + change
            self.planes[index] = np.clip(moved, 0, peak).astype(plane.dtype)

    def frame(self, levels: float | None = None) -> Frame:
        """Return the picture, with the expected error of a codec if there is to be one."""
        self.pts += 1
        error = None if levels is None else CodingError(levels, "quantiser")
        planes = tuple(torch.from_numpy(plane.copy()) for plane in self.planes)
        return Frame(planes, self.layout, self.pts, coding_error=error)


def standing_frames(layout: VideoFormat, count: int, seed: int = 0) -> Iterator[Frame]:
    """Yield frames with a few changes each; now and then the same again."""
    scene = Standing(layout, seed)
    for _ in range(count):
        yield scene.frame()
        scene.move(int(scene.random.integers(0, 4)))
