"""Degradation by a network that learned from footage how its camera spoils pictures."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor

from vidsr.models.checkpoint import Generator, load_generator
from vidsr.picture.luma import LUMA


class LearnedDegradation:
    """Network that keeps the size, read from a file of weights once for all frames.

    Pictures are rounded to 8 bits first, as they were while it learned.
    """

    def __init__(self, path: str | Path, *, strength: float = 1.0, device: str = "cpu") -> None:
        """Read ``path``; ``strength`` is the share of its change. Raises ModelError."""
        _, network = load_generator(path)
        self._network: Generator = network.to(device).requires_grad_(False)
        self._strength = strength

    def __call__(self, x: Tensor) -> Tensor:
        """Degrade ``[N, 3, H, W]`` float32 in [0, 1]; the same shape, about the same range."""
        x = (x * 255).round() / 255
        with torch.inference_mode():
            change = self._change(x)
        return x + self._strength * change.clone()

    def _change(self, x: Tensor) -> Tensor:
        if self._network.channels == 3:
            out: Tensor = self._network(x)
            return out - x
        y = sum(weight * x[:, i : i + 1] for i, weight in enumerate(LUMA))
        assert isinstance(y, Tensor)
        change: Tensor = self._network(y) - y
        return change.expand_as(x)  # the same in all three leaves chroma as it is
