"""Compact networks (SRVGGNetCompact of Real-ESRGAN): 3x3 convolutions, PReLUs, a late shuffle."""

from __future__ import annotations

import re
from collections.abc import Mapping
from itertools import pairwise

import torch
from torch import Tensor, nn

from vidsr.models.foreign.refusal import Misfit, fill, side_of
from vidsr.models.networks.phase_net import DifferenceNet
from vidsr.models.networks.stated_net import StatedNet, counted_traits

NAME = re.compile(r"body\.(\d+)\.(weight|bias)")
MOST_LAYERS = 513


class Compact(DifferenceNet, StatedNet):
    """A network that adds to nearest-neighbour upscaling of its input.

    ``width`` channels, ``convs`` convolutions between the first and the last one. The input is
    not centred: the published networks pad with black.
    """

    centre = 0.0

    def __init__(self, channels: int, width: int, convs: int, scale: int) -> None:
        super().__init__()
        sides = [channels] + [width] * (convs + 1)
        layers: list[nn.Module] = []
        for before, after in pairwise(sides):
            layers += [nn.Conv2d(before, after, 3, padding=1), nn.PReLU(after)]
        self.body = nn.Sequential(*layers)
        self.tail = nn.Conv2d(width, channels * scale**2, 3, padding=1)
        self.traits = counted_traits(self, scale, channels)

    @property
    def architecture(self) -> str:
        """Name with width and depth, as people write them."""
        convs = len(self.body) // 2 - 1
        return f"Compact {self.tail.in_channels}x{convs}"

    def residual(self, centred: Tensor) -> Tensor:
        """See ``DifferenceNet.residual``."""
        out: Tensor = self.tail(self.body(centred))
        return out


def recognise_compact(tensors: Mapping[str, Tensor]) -> Compact | None:
    """Return the network of ``tensors``; None where they are of another architecture.

    Raises Misfit for tensors that are nearly, but not, such a network.
    """
    layers = _layers(tensors)
    if layers is None:
        return None
    first, last = tensors["body.0.weight"], tensors[f"body.{layers - 1}.weight"]
    width, channels = first.shape[:2]
    scale = side_of(last.shape[0], channels)
    if channels not in (1, 3) or scale is None:
        raise Misfit(f"Compact of {channels} channels in and {last.shape[0]} before the shuffle")
    with torch.device("meta"):
        net = Compact(channels, width, (layers - 3) // 2, scale)
    tail = f"body.{layers - 1}."
    fill(
        net,
        net.architecture,
        {name.replace(tail, "tail."): (name, tensor) for name, tensor in tensors.items()},
    )
    return net


def _layers(tensors: Mapping[str, Tensor]) -> int | None:
    """Return how many layers there are: 3x3 convolutions, and PReLUs between them."""
    found = [NAME.fullmatch(name) for name in tensors]
    numbers = {int(match[1]) for match in found if match}
    count = len(numbers)
    if not all(found) or not 2 <= count <= MOST_LAYERS:
        return None
    if numbers == set(range(0, 2 * count, 2)):
        _refuse_unnamed_activations(tensors, 2 * count - 2)
    if count % 2 == 0 or numbers != set(range(count)):
        return None
    for number in range(count):
        weight, bias = (tensors.get(f"body.{number}.{leaf}") for leaf in ("weight", "bias"))
        if number % 2 and (weight is None or weight.ndim != 1 or bias is not None):
            return None
        if number % 2 == 0 and (weight is None or bias is None or weight.shape[2:] != (3, 3)):
            return None
    return count


def _refuse_unnamed_activations(tensors: Mapping[str, Tensor], last: int) -> None:
    """Raise Misfit for a Compact network whose activations have no weights: no file names them."""
    weights = [tensors.get(f"body.{number}.weight") for number in range(0, last + 1, 2)]
    if any(weight is None or weight.shape[2:] != (3, 3) for weight in weights):
        return
    first, tail = tensors["body.0.weight"], tensors[f"body.{last}.weight"]
    if first.shape[1] in (1, 3) and side_of(tail.shape[0], first.shape[1]):
        raise Misfit(
            "Compact without PReLU: the file does not tell ReLU from LeakyReLU between convolutions"
        )
