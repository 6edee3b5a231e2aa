"""Optimiser of a private run: Opacus clips and sums, and the noise comes from the run's key."""

from __future__ import annotations

import warnings

import torch
from opacus import GradSampleModule
from opacus.optimizers import DPOptimizer
from torch import Tensor, nn

from vidsr.training.private.guarantee import Guarantee
from vidsr.training.private.keys import Key

SUMMED = 4
"""Gaussians that make one: their low bits say less about the sum (Holohan and Braghin, 2021)."""


class KeyedOptimiser(DPOptimizer):  # type: ignore[misc]  # of a package without types
    """Opacus's optimiser with noise that depends on a key and the number of the step."""

    def __init__(
        self, adam: torch.optim.Optimizer, guarantee: Guarantee, key: Key, batch: int
    ) -> None:
        super().__init__(
            adam,
            noise_multiplier=guarantee.noise,
            max_grad_norm=guarantee.clip,
            expected_batch_size=batch,
        )
        self.key = key
        self.at = 0  # the step under way

    def add_noise(self) -> None:
        """Add noise to the sum of clipped gradients, in place of Opacus's own."""
        draws = self.key.draws("noise", self.at)
        deviation = self.noise_multiplier * self.max_grad_norm
        for parameter in self.params:
            total: Tensor = parameter.summed_grad
            noise = draws.standard_normal((SUMMED, *total.shape)).sum(0) / SUMMED**0.5
            wide = total.double() + deviation * torch.from_numpy(noise).to(total.device)
            parameter.grad = wide.to(total.dtype).view_as(parameter)


def watched(module: nn.Module) -> nn.Module:
    """Return ``module`` with a gradient for each picture of a batch, of the sum of their losses.

    The module itself changes too: Opacus hooks into its layers. It reads the memory of their inputs
    as if channels came first (1.6.0); laid out otherwise, gradients are wrong without a word.
    """
    module.to(memory_format=torch.contiguous_format)  # type: ignore[call-overload]
    return GradSampleModule(module, loss_reduction="sum")  # type: ignore[no-any-return]


def descend(loss: Tensor) -> None:
    """Go backward through a watched network, to a gradient for each picture."""
    with warnings.catch_warnings():
        # The first layer's input needs no gradient, and Opacus's hook there asks for none.
        warnings.filterwarnings("ignore", "Full backward hook is firing", UserWarning)
        loss.backward()  # type: ignore[no-untyped-call]


def forget(parameters: list[nn.Parameter]) -> None:
    """Set the gradients of a step in which no source was drawn: none."""
    for parameter in parameters:
        parameter.grad_sample = parameter.new_zeros((0, *parameter.shape))  # type: ignore[attr-defined]
