"""Aligned crops at random, cut from pictures that lie as bytes in one piece of memory.

All arithmetic is on tensors without a host's decision in it, so that on CUDA the photographs lie
in device memory and cutting is a part of the captured step. On a CPU a batch of 16 crops of 32x32
takes 4 % of a training step of ``lite`` (benchmarks/training.py): there are no worker processes.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from vidsr.errors import InputError
from vidsr.picture.luma import LUMA

CANDIDATES = 2
"""Crops drawn for each one used: the one with most contrast is kept; skies teach nothing."""


@dataclass(frozen=True)
class TrainingPair:
    """Picture at both sizes, uint8: ``low`` ``[C, h, w]`` and ``high`` ``[C, s*h, s*w]``.

    ``chain`` says how ``low`` was made, and ``error`` how far coding moved its luma: rms in levels
    of 8 bits. ``source`` is the name of the photograph or video that it comes from.
    """

    low: Tensor
    high: Tensor
    chain: str = ""
    error: float = 0.0
    source: str = ""


def luma(rgb: Tensor) -> Tensor:
    """Turn RGB ``[..., 3, H, W]`` into luma ``[..., 1, H, W]`` on the same scale, float."""
    red, green, blue = (rgb[..., i : i + 1, :, :] for i in range(3))
    return LUMA[0] * red + LUMA[1] * green + LUMA[2] * blue


def to_luma(rgb: Tensor) -> Tensor:
    """Turn uint8 ``[3, H, W]`` into uint8 ``[1, H, W]``, full range."""
    return luma(rgb.float()).round().to(torch.uint8)


class Pool(Protocol):
    """Interface that the loop needs: places to cut at, and the crops there."""

    @property
    def bytes(self) -> int: ...
    @property
    def count(self) -> int: ...
    def draw(self, batch: int, seed: int, step: int) -> Tensor: ...
    def cut(self, draws: Tensor) -> tuple[Tensor, Tensor]: ...


class CropPool:
    """Pictures of any sizes; ``draw`` chooses places, ``cut`` reads them."""

    def __init__(
        self,
        pairs: Iterable[TrainingPair],
        *,
        scale: int,
        crop: int,
        device: torch.device | str = "cpu",
    ) -> None:
        lows, highs, sources = [], [], []
        for pair in pairs:
            if min(pair.low.shape[1:]) >= crop:
                lows.append(pair.low)
                highs.append(pair.high)
                sources.append(pair.source)
        if not lows:
            raise InputError(
                f"no picture or video of at least {crop * scale}x{crop * scale} pixels to train on",
                hint="choose a smaller --crop, or larger pictures or videos",
            )
        self.scale, self.crop, self.channels = scale, crop, lows[0].shape[0]
        self.count, self.sources = len(lows), tuple(sources)
        self.sizes = torch.tensor([low.shape[1:] for low in lows], dtype=torch.int64)
        areas = self.sizes.prod(1) * self.channels
        starts = torch.cumsum(areas, 0) - areas
        #                  height and width of the low picture, its first byte
        self._table = torch.column_stack((self.sizes, starts)).to(device)
        self._low = _join(lows, int(areas.sum()), device)
        self._high = _join(highs, int(areas.sum()) * scale**2, device)

    @property
    def bytes(self) -> int:
        """Return the bytes of memory that the pictures take."""
        return self._low.numel() + self._high.numel()

    def draw(self, batch: int, seed: int, step: int) -> Tensor:
        """Choose places to cut, ``[batch, CANDIDATES, 4]`` int64: picture, top, left, turn 0 to 7.

        They depend on (seed, step) alone, which makes a resumed run the same run.
        """
        generator = torch.Generator().manual_seed((seed * 1_000_003 + step) % 2**63)
        u = torch.rand(batch, CANDIDATES, 4, generator=generator, dtype=torch.float64)
        picture = (u[..., 0] * self.count).long()
        room = self.sizes[picture] - self.crop + 1
        corner = (u[..., 1:3] * room).long()
        return torch.cat((picture[..., None], corner, (u[..., 3:] * 8).long()), dim=-1)

    def cut(self, draws: Tensor) -> tuple[Tensor, Tensor]:
        """Cut LR ``[N, C, n, n]`` and HR ``[N, C, s*n, s*n]`` in [0, 1], turned and mirrored."""
        lows = self._gather(self._low, draws, 1).float()
        best = lows.flatten(2).std(-1).argmax(1)
        rows = torch.arange(len(draws), device=draws.device)
        high = self._gather(self._high, draws[rows, best], self.scale)
        return lows[rows, best] / 255, high.float() / 255

    def _gather(self, flat: Tensor, draws: Tensor, factor: int) -> Tensor:
        """Return crops ``[..., C, n*factor, n*factor]`` uint8 for draws ``[..., 4]``."""
        side = self.crop * factor
        picture, top, left, turn = (d[..., None, None, None] for d in draws.unbind(-1))
        height, width, start = (self._table[:, i][picture] for i in range(3))
        height, width, start = height * factor, width * factor, start * factor**2
        i, j = torch.meshgrid(
            *(torch.arange(side, device=draws.device) for _ in range(2)), indexing="ij"
        )
        swap, down, across = turn % 2 == 1, turn // 2 % 2 == 1, turn // 4 == 1
        y, x = torch.where(swap, j, i), torch.where(swap, i, j)
        y, x = torch.where(down, side - 1 - y, y), torch.where(across, side - 1 - x, x)
        channel = torch.arange(self.channels, device=draws.device).view(-1, 1, 1)
        inside = (channel * height + top * factor + y) * width + left * factor + x
        return flat[start + inside]


def _join(planes: list[Tensor], total: int, device: torch.device | str) -> Tensor:
    """Join all samples in one tensor; ``planes`` is emptied on the way: nothing is held twice."""
    flat, start = torch.empty(total, dtype=torch.uint8, device=device), 0
    planes.reverse()
    while planes:
        plane = planes.pop()
        flat[start : start + plane.numel()] = plane.flatten()
        start += plane.numel()
    return flat
