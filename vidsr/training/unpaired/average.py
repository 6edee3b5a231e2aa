"""Exponential average of a network's weights, which is what a run writes."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn


class Average:
    """Average of the weights of ``network``, short at first: fresh weights are soon forgotten."""

    def __init__(self, network: nn.Module, decay: float) -> None:
        self._network, self._decay = network, decay
        self.weights = {k: v.detach().clone() for k, v in network.state_dict().items()}

    @torch.no_grad()
    def update(self, seen: int) -> None:
        """Take in the weights after step ``seen``, counted from 1."""
        keep = min(seen / (seen + 10), self._decay)
        for name, value in self._network.state_dict().items():
            self.weights[name].lerp_(value, 1 - keep)

    @torch.no_grad()
    def restore(self, state: Mapping[str, Tensor]) -> None:
        for name, mean in self.weights.items():
            mean.copy_(state[name])
