"""Photographs made of numbers, for tests that learn from some."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor

from vidsr.video.still_images import write_png


def photograph(seed: int, height: int = 160, width: int = 192) -> Tensor:
    """Draw uint8 ``[3, H, W]``: soft blobs, hard edges and stripes, different for every seed."""
    generator = torch.Generator().manual_seed(seed)
    coarse = torch.rand(1, 3, 7, 9, generator=generator)
    soft = torch.nn.functional.interpolate(coarse, (height, width), mode="bicubic")[0]
    y, x = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    angle, period = torch.rand(2, generator=generator).tolist()
    wave = torch.sin((x * angle + y * (1 - angle)) * (0.3 + period))
    edge = ((x * (1 - angle) - y * angle) % 48 < 20).float()
    picture = 0.5 * soft + 0.15 * wave + 0.25 * edge + 0.1
    levels: Tensor = (picture.clamp(0, 1) * 255).round()
    return levels.to(torch.uint8)


def make_photos(folder: Path, count: int, height: int = 160, width: int = 192) -> Path:
    """Write a folder of ``count`` PNG photographs."""
    folder.mkdir(parents=True, exist_ok=True)
    for seed in range(count):
        write_png(folder / f"photo{seed}.png", photograph(seed, height, width))
    return folder
