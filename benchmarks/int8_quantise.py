"""Steps that ship with a lite network, in the form that runtimes other than OpenVINO take."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from vidsr.engines.quantised.codes import HIGHEST_CODE
from vidsr.engines.quantised.networks import weights_and_biases
from vidsr.engines.quantised.rounding import weight_steps
from vidsr.engines.quantised.steps import Steps
from vidsr.models.networks.lite import Lite


@dataclass(frozen=True)
class Grid:
    """Meaning of an 8-bit code: ``(code - zero) * step``."""

    step: float
    zero: int


@dataclass(frozen=True)
class Layer:
    """Convolution after the first: codes in, codes as weights [O, I, 3, 3], a float bias.

    ``result`` is a grid for what comes out before the activation, for runtimes that need one.
    """

    grid: Grid
    weight: Tensor
    steps: Tensor
    bias: Tensor
    result: Grid


@dataclass(frozen=True)
class Coded:
    """Weight and bias of the first convolution, which stays in floats, and the others."""

    head: tuple[Tensor, Tensor]
    layers: list[Layer]


@torch.no_grad()
def coded(net: Lite, steps: Steps, pictures: Sequence[Tensor]) -> Coded:
    """Return the network in codes; ``pictures`` [1, 1, h, w] are only for a ``Layer``'s result."""
    head, *parts = weights_and_biases(net, tuple(layer.factors for layer in steps.layers))
    outputs = [nn.functional.conv2d(x - 0.5, *head, padding=1) for x in pictures]
    layers = []
    for index, (own, (weight, bias)) in enumerate(zip(steps.layers, parts, strict=True)):
        inputs = [net.activations[index](y) for y in outputs]
        outputs = [nn.functional.conv2d(x, weight, bias, padding=1) for x in inputs]
        each = weight_steps(weight)
        codes = (weight / each.view(-1, 1, 1, 1)).round().to(torch.int8)
        layers.append(Layer(Grid(own.step, own.zero), codes, each, bias, _grid(outputs)))
    return Coded(head, layers)


def _grid(outputs: Sequence[Tensor]) -> Grid:
    low = min(0.0, *(y.min().item() for y in outputs))
    high = max(y.max().item() for y in outputs)
    step = (high - low) / HIGHEST_CODE
    return Grid(step, round(-low / step))
