"""Photographs as training pairs: luma planes in memory, crops cut at random."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.dlpack import from_dlpack

Plane = NDArray[np.uint8]


def shrink(plane: Tensor, factor: int) -> Tensor:
    """``[..., H, W]`` -> ``[..., H/factor, W/factor]``, bicubic (a = -0.5) with antialiasing.

    The kernel of MATLAB's imresize, with which the Set5 and Set14 inputs were made.
    """
    size = (plane.shape[-2] // factor, plane.shape[-1] // factor)
    return torch.nn.functional.interpolate(plane, size, mode="bicubic", antialias=True)


def to_bytes(plane: Tensor) -> Plane:
    """Levels in any float type -> uint8, rounded and clamped."""
    out: Plane = plane.round().clamp(0, 255).to(torch.uint8).numpy()
    return out


def read_luma(path: Path) -> Plane:
    """The full-range BT.601 luma of an image file, ``[H, W]`` uint8."""
    with av.open(str(path)) as container:
        frame = next(container.decode(video=0))
    if frame.format.name not in ("yuvj444p", "yuvj420p", "gray"):
        rgb = torch.from_numpy(frame.to_ndarray(format="rgb24")).float()
        return to_bytes(rgb @ torch.tensor([0.299, 0.587, 0.114]))
    plane = frame.planes[0]
    samples: Plane = from_dlpack(plane).numpy().copy()
    return samples


def make_pair(hr: Plane, scale: int) -> tuple[Plane, Plane]:
    """(LR, HR) of one picture, the HR trimmed to a multiple of ``scale``."""
    height, width = (side // scale * scale for side in hr.shape)
    hr = np.ascontiguousarray(hr[:height, :width])
    return to_bytes(shrink(torch.from_numpy(hr)[None, None].float(), scale)[0, 0]), hr


class PhotoCrops:
    """Aligned LR/HR crops from a folder of photographs, at full and at half size.

    Half size is there because photographs are soft at the pixel level and benchmarks are not.
    Of two candidate crops the one with more contrast is kept: skies teach nothing.
    """

    def __init__(self, folder: Path, *, scale: int, crop: int, seed: int) -> None:
        self.scale, self.crop = scale, crop
        self.rng = np.random.default_rng(seed)
        self.pairs: list[tuple[Plane, Plane]] = []
        for path in sorted(folder.glob("*.jpg")) + sorted(folder.glob("*.png")):
            full = read_luma(path)
            half = to_bytes(shrink(torch.from_numpy(full)[None, None].float(), 2)[0, 0])
            for hr in (full, half):
                if min(hr.shape) >= crop * scale:
                    self.pairs.append(make_pair(hr, scale))
        if not self.pairs:
            raise ValueError(f"{folder}: no .jpg or .png of at least {crop * scale} pixels")

    def _candidate(self) -> tuple[Plane, Plane]:
        low, high = self.pairs[self.rng.integers(len(self.pairs))]
        y, x = (int(self.rng.integers(side - self.crop + 1)) for side in low.shape)
        n, s = self.crop, self.scale
        return low[y : y + n, x : x + n], high[y * s : (y + n) * s, x * s : (x + n) * s]

    def batch(self, size: int) -> tuple[Tensor, Tensor]:
        """``size`` pairs, turned and mirrored at random: ``[N, 1, h, w]`` float in [0, 1]."""
        lows, highs = [], []
        for _ in range(size):
            pair = max(self._candidate(), self._candidate(), key=lambda p: float(p[0].std()))
            turns, mirror = int(self.rng.integers(4)), bool(self.rng.integers(2))
            low, high = (np.rot90(p[:, ::-1] if mirror else p, turns) for p in pair)
            lows.append(low.copy())
            highs.append(high.copy())
        return _to_unit(lows), _to_unit(highs)


def _to_unit(planes: list[Plane]) -> Tensor:
    return torch.from_numpy(np.stack(planes))[:, None].float() / 255
