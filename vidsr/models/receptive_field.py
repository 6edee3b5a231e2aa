"""Reach of a generator and its grid: what exact tiles are made of."""

from __future__ import annotations

import torch
from torch import nn

from vidsr.models.checkpoint import build_generator
from vidsr.models.networks.config import GeneratorConfig
from vidsr.models.networks.layers.layer_reach import alignment_of, counted_layers, halo_of


def halo(generator: nn.Module | GeneratorConfig) -> int:
    """Return radius of the receptive field in pixels of the input: see ``halo_of``."""
    return halo_of(_layers(generator))


def alignment(generator: nn.Module | GeneratorConfig) -> int:
    """Return the step of the coarsest grid in pixels: windows have to start at multiples of it.

    1 for generators without strides.
    """
    return alignment_of(_layers(generator))


def _layers(generator: nn.Module | GeneratorConfig) -> list[nn.Module]:
    if isinstance(generator, GeneratorConfig):
        with torch.device("meta"):
            generator = build_generator(generator)
    return counted_layers(generator)
