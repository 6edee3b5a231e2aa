"""Models whose networks for coded footage make pictures brighter, so that each step is seen."""

from __future__ import annotations

from pathlib import Path

import torch

from vidsr.models.checkpoint import build_generator, save_generator
from vidsr.models.model import Model
from vidsr.models.networks.config import GeneratorConfig
from vidsr.models.strength_files import save_strengths
from vidsr.models.strengths import StrengthCurve
from vidsr.models.zoo import load_model

LUMA = GeneratorConfig(kind="lite", scale=2, channels=1, width=4, blocks=1)
RGB = GeneratorConfig(kind="srresnet", scale=2, channels=3, width=4, blocks=1, norm="none")
LAST = 4
BRIGHTER = 0.125


def brightening_model(folder: Path, config: GeneratorConfig = LUMA) -> Model:
    """Write a network and one that is brighter by an eighth; errors of 1 to 5 levels lead there.

    That for clean pictures repeats samples (``LUMA``), or is grey whatever it sees (``RGB``).
    """
    path = folder / f"own-{config.kind}-x2.safetensors"
    clean = {name: torch.zeros_like(w) for name, w in build_generator(config).state_dict().items()}
    hard = {name: w + (BRIGHTER if name == "tail.bias" else 0) for name, w in clean.items()}
    save_generator(path, config, clean)
    save_strengths(path, clean, [hard], StrengthCurve((1.0, 5.0), (0.0, 1.0)))
    return load_model(path)


def levels_of(step: int) -> float:
    """Return how much brighter a step makes a picture of limited range, in levels."""
    return 219 * BRIGHTER * step / LAST
