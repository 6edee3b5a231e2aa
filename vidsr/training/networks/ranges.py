"""Ranges of what goes into each layer, observed on pictures, as steps of 8-bit codes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor, nn

from vidsr.engines.quantised.codes import HIGHEST_CODE, LARGEST_WEIGHT_CODE, ZERO
from vidsr.engines.quantised.networks import later_convolutions
from vidsr.engines.quantised.steps import LayerSteps
from vidsr.models.networks.lite import Lite
from vidsr.models.networks.phase_net import PhaseNet

LOWEST, HIGHEST = 0.0005, 0.9995  # quantiles between which a channel's range is taken to lie
OUTSIDE = 5e-6  # share of a layer's numbers beyond either end of its codes
MOST = 4096  # magnitudes of a layer that are kept: 1 in 100 000 of 400 million numbers


@torch.no_grad()
def observed_steps(net: PhaseNet, pictures: Sequence[Tensor]) -> tuple[LayerSteps, ...]:
    """Return the steps of every convolution after the first.

    Args:
        net: Network in the form that runs. Layers of a lite one get factors; those of a residual
            one, whose channels are added to others, get symmetric codes without.
        pictures: What to look at, [N, C, h, w] in [0, 1].
    """
    if not isinstance(net, Lite):
        return _symmetric_steps(net, pictures)
    convs = (*net.body, net.tail)
    return tuple(
        _layer(seen, conv.weight) for seen, conv in zip(_inputs(net, pictures), convs, strict=True)
    )


def _symmetric_steps(net: PhaseNet, pictures: Sequence[Tensor]) -> tuple[LayerSteps, ...]:
    convs = later_convolutions(net)
    tops: list[Tops] = [Tops() for _ in convs]
    hooks = [conv.register_forward_pre_hook(top.see) for conv, top in zip(convs, tops, strict=True)]
    try:
        for picture in pictures:
            net.phase(picture)
    finally:
        for hook in hooks:
            hook.remove()
    return tuple(
        LayerSteps(top.reach() / LARGEST_WEIGHT_CODE, ZERO, (1.0,) * conv.in_channels)
        for top, conv in zip(tops, convs, strict=True)
    )


class Tops:
    """The largest magnitudes that went into a layer: enough of them, and never all numbers."""

    def __init__(self) -> None:
        self._largest, self._seen = torch.zeros(0), 0

    def see(self, _: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        """Take notice of what goes into a layer, as a hook."""
        numbers = inputs[0].detach().abs().flatten()
        self._seen += len(numbers)
        together = torch.cat([self._largest, numbers.topk(min(MOST, len(numbers))).values])
        self._largest = together.topk(min(MOST, len(together))).values

    def reach(self) -> float:
        """Return the magnitude that all but ``OUTSIDE`` of the numbers stay within, above 0."""
        beyond = min(int(self._seen * 2 * OUTSIDE), len(self._largest) - 1)
        return max(float(self._largest[beyond]), 1e-6)


def _layer(seen: Tensor, weight: Tensor) -> LayerSteps:
    factors = tuple(round(factor, 4) for factor in _factors(seen, weight).tolist())
    step, zero = _grid(seen / torch.tensor(factors).view(-1, 1))
    return LayerSteps(step, zero, factors)


def _inputs(net: Lite, pictures: Sequence[Tensor]) -> Iterator[Tensor]:
    """Yield what goes into each layer after the first, [channels, samples of all pictures]."""
    seen = [net.activations[0](net.head(x - 0.5)) for x in pictures]
    yield _by_channel(seen)
    for conv, activation in zip(net.body, net.activations[1:], strict=True):
        seen = [activation(conv(x)) for x in seen]
        yield _by_channel(seen)


def _by_channel(tensors: Sequence[Tensor]) -> Tensor:
    return torch.cat([t.transpose(0, 1).flatten(1) for t in tensors], dim=1)


def _factors(seen: Tensor, weight: Tensor) -> Tensor:
    """Return [channels], around 1: the root of a channel's range over that of its weights.

    Half-way between equal ranges of the activations and of the weights that they meet.
    """
    low, high = (_quantile(seen, part) for part in (LOWEST, HIGHEST))
    ranges = (high - low).clamp(min=1e-4) / weight.abs().amax((0, 2, 3)).clamp(min=1e-6)
    factors = ranges.sqrt()
    return (factors / factors.mean()).clamp(min=0.01)


def _quantile(x: Tensor, part: float) -> Tensor:
    return torch.quantile(x[:, :: max(1, x.shape[1] // 20_000)], part, dim=1)


def _grid(values: Tensor) -> tuple[float, int]:
    """Return step and zero point of codes for nearly all ``values``, and for padded 0."""
    flat = values.flatten()
    outside = int(len(flat) * OUTSIDE) + 1
    low = min(flat.kthvalue(outside).values.item(), 0.0)
    high = max(flat.kthvalue(len(flat) + 1 - outside).values.item(), 1e-6)
    step = (high - low) / HIGHEST_CODE
    return step, round(-low / step)
