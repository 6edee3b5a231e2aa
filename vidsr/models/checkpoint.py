"""Generators in and out of files: safetensors with the dimensions in the header."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor

from vidsr.models.config import GeneratorConfig

CONFIG_KEY = "vidsr.generator"


def save_generator(path: Path, config: GeneratorConfig, weights: Mapping[str, Tensor]) -> None:
    """Write weights as fp16 safetensors with ``config`` in the header."""
    halves = {name: t.detach().to(torch.float16).contiguous() for name, t in weights.items()}
    save_file(halves, str(path), metadata={CONFIG_KEY: config.to_json()})
