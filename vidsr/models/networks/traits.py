"""Traits of a network: what whoever runs it has to know, whatever kind it is."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from vidsr.picture.size import Size

ONE_PIXEL = Size(1, 1)
SAFE_DTYPES = (torch.float32, torch.bfloat16, torch.float16)


@dataclass(frozen=True, kw_only=True)
class NetworkTraits:
    """Facts about a network, independent of the device and the library that run it.

    Attributes:
        scale: Factor from low to high resolution: 2, 4, or 1 for a restorer.
        in_channels: 3 for a network on RGB, 1 for a network on luma.
        out_channels: Channels of the picture that comes out.
        halo: Reach in space: radius of the receptive field in low-resolution pixels; None where it
            is unbounded or unknown, and then tiles blend and are not exact.
        alignment: Step of the grid on which windows of a picture start; 1 without a coarse grid.
        multiple: Number that sides are multiples of, others are padded to; None for ``alignment``.
        minimum: The smallest picture that the network takes.
        square: True for a network that takes squares only.
        past_frames: Reach in time: frames before the present one that it looks at.
        future_frames: Frames after the present one that it looks at.
        extra_planes: Input planes beside the picture's own, such as a map of noise.
        tiling: False for a network whose picture may not be cut at all.
        eager_only: True for a network that only PyTorch runs, operation by operation: its
            operations follow from the size of the picture, and neither compile nor export.
        dtypes: Types of weights and activations in which the network is known to work.
    """

    scale: int
    in_channels: int
    out_channels: int
    halo: int | None
    alignment: int = 1
    multiple: int | None = None
    minimum: Size = ONE_PIXEL
    square: bool = False
    past_frames: int = 0
    future_frames: int = 0
    extra_planes: int = 0
    tiling: bool = True
    eager_only: bool = False
    dtypes: tuple[torch.dtype, ...] = SAFE_DTYPES

    def __post_init__(self) -> None:
        """Raise ValueError for numbers that no network has."""
        least = {"scale": 1, "in_channels": 1, "out_channels": 1, "alignment": 1}
        counts = least | {"past_frames": 0, "future_frames": 0, "extra_planes": 0}
        for name, low in counts.items():
            if getattr(self, name) < low:
                raise ValueError(f"{name}: expected {low} or more, got {getattr(self, name)}")
        if self.halo is not None and self.halo < 0:
            raise ValueError(f"halo: expected None, 0 or more, got {self.halo}")
        if torch.float32 not in self.dtypes:  # every other dtype is checked against it
            raise ValueError("dtypes: expected float32 among them")
