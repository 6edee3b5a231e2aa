"""Networks that keep the size, for tests of what uses them."""

from __future__ import annotations

from pathlib import Path

import torch

from vidsr.models.checkpoint import build_generator, save_generator
from vidsr.models.networks.config import GeneratorConfig


def make_restorer(path: Path, *, levels: float = 0, channels: int = 3) -> Path:
    """Write a network that adds ``levels`` of 255 to every sample, and nothing else."""
    config = GeneratorConfig(kind="unet", scale=1, channels=channels, width=2, blocks=1)
    weights = dict(build_generator(config).state_dict())
    weights["tail.bias"] = torch.full((channels,), levels / 255)
    save_generator(path, config, weights)
    return path
