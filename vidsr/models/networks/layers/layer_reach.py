"""Reach of a chain of layers and its grid, counted layer by layer."""

from __future__ import annotations

from fractions import Fraction

from torch import nn

KINDS = nn.Conv2d | nn.PixelShuffle | nn.PixelUnshuffle | nn.Upsample | nn.ReplicationPad2d


def counted_layers(net: nn.Module) -> list[nn.Module]:
    """Return the layers that look around or change the grid, in the order of definition.

    In all networks here that is the order in which the longest path runs; skips only shorten paths.
    """
    return [layer for layer in net.modules() if isinstance(layer, KINDS)]


def halo_of(layers: list[nn.Module]) -> int:
    """Return radius of the receptive field in pixels of the input.

    The greatest distance from the input pixel that an output sample lies in to one that it reads,
    over all positions on the coarsest grid: what samples of a halved grid read does not lie evenly
    around the pixels they are used for.
    """
    per_pixel = _step(layers) ** -1
    fine = max(1, per_pixel.numerator)
    reach = 0
    for position in range(alignment_of(layers) * fine):
        low = high = position
        for layer in reversed(layers):
            low, high = _read(layer, low, high)
        reach = max(reach, position // fine - low, high - position // fine)
    return reach


def alignment_of(layers: list[nn.Module]) -> int:
    """Return the step of the coarsest grid in pixels: windows have to start at multiples of it.

    1 for networks without strides.
    """
    steps = [_step(layers[:count]) for count in range(len(layers) + 1)]
    return int(max(steps))


def _step(layers: list[nn.Module]) -> Fraction:
    """Return pixels of the input from one sample to the next, after ``layers``."""
    step = Fraction(1)
    for layer in layers:
        if isinstance(layer, nn.Conv2d):
            step *= layer.stride[0]
        elif isinstance(layer, nn.PixelUnshuffle):
            step *= layer.downscale_factor
        step /= _factor(layer)
    return step


def _factor(layer: nn.Module) -> int:
    """Return how many times finer the grid is after ``layer``, strides aside."""
    if isinstance(layer, nn.PixelShuffle):
        return layer.upscale_factor
    if isinstance(layer, nn.Upsample):
        assert isinstance(layer.scale_factor, int | float)
        return int(layer.scale_factor)
    return 1


def _read(layer: nn.Module, low: int, high: int) -> tuple[int, int]:
    """Return the first and last sample of an axis that outputs ``low`` to ``high`` depend on."""
    if isinstance(layer, nn.Conv2d):
        stride, padding = layer.stride[0], int(layer.padding[0])
        span = layer.dilation[0] * (layer.kernel_size[0] - 1)
        return low * stride - padding, high * stride - padding + span
    if isinstance(layer, nn.PixelUnshuffle):
        factor = layer.downscale_factor
        return low * factor, high * factor + factor - 1
    if isinstance(layer, nn.ReplicationPad2d):
        return low - layer.padding[0], high - layer.padding[0]
    return low // _factor(layer), high // _factor(layer)
