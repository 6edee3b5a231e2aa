"""Engines whose results are known, for tests of what is around an engine."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from vidsr.engines.engine import BLEND_MARGIN, EngineTraits

CPU = torch.device("cpu")


@dataclass
class StubEngine:
    """Engine that repeats every sample ``scale`` times each way, then ``change``s the result."""

    name: str = "stub"
    channels: int = 1
    scale: int = 2
    halo: int | None = 0
    alignment: int = 1
    dtype: torch.dtype = torch.float16
    input_dtype: torch.dtype = torch.float32
    offset: float = 0.0
    device: torch.device = CPU
    bytes_per_pixel: int = 64
    change: Callable[[Tensor], Tensor] = lambda y: y
    runs: int = 0
    runtime: str = "stub"
    reentrant: bool = True
    tiling: bool = True
    blend_margin: int = BLEND_MARGIN
    room_bytes: int | None = None
    closed: int = 0

    @property
    def traits(self) -> EngineTraits:
        return EngineTraits(
            name=self.name,
            runtime=self.runtime,
            device=self.device,
            channels=self.channels,
            scale=self.scale,
            shuffle=self.shuffle,
            halo=self.halo,
            alignment=self.alignment,
            tiling=self.tiling,
            blend_margin=self.blend_margin,
            dtype=self.dtype,
            input_dtype=self.input_dtype,
            offset=self.offset,
            bytes_per_pixel=self.bytes_per_pixel,
            reentrant=self.reentrant,
        )

    @property
    def shuffle(self) -> int:
        return self.scale

    def run(self, x: Tensor) -> Tensor:
        self.runs += 1
        assert x.dtype == self.input_dtype
        y = x.repeat_interleave(self.shuffle**2, dim=1) - self.offset
        return self.change(y)

    def surround(self, pixels: int) -> None:
        self.blend_margin = pixels

    def reserve(self, room_bytes: int | None) -> None:
        self.room_bytes = room_bytes

    def clear(self) -> None:
        """Nothing is kept from run to run."""

    def close(self) -> None:
        self.closed += 1
