"""Shapes of ``lite`` that are compared: grids, widths, depths, and lighter kinds of layers.

Lighter layers are those of MobileNet (Howard et al., 2017) and ShuffleNet (Zhang et al., 2018), put
in the place of each 3x3 convolution between head and tail. They are here and not among the options
of training, since nothing is gained by them: see docs/guides/shapes.md.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor, nn

from vidsr.models.networks.config import GeneratorConfig, PReLUKind
from vidsr.models.networks.lite import Lite
from vidsr.training.networks.collapse import WideConv, WideLite

Layers = Literal["plain", "separable", "shuffled"]
GROUPS = 4  # of the 1x1 convolutions of "shuffled": between ShuffleNet's 3 and 8
PROBE_SIDE = 8  # pixels of the picture on which work is counted: a multiple of every grid


@dataclass(frozen=True)
class Shape:
    """Dimensions of one network that is compared.

    Attributes:
        scale: 2 or 4.
        stride: Pixels of the input from one sample of the grid to the next.
        width: Channels.
        blocks: 3x3 convolutions between head and tail, or what takes their place.
        layers: Kind of these: "plain", "separable" or "shuffled".
        prelu: One slope a channel, or one shared by all.
    """

    scale: int
    stride: int
    width: int
    blocks: int
    layers: Layers = "plain"
    prelu: PReLUKind = "shared"

    @property
    def name(self) -> str:
        """Name for tables and folders, such as ``x4-2-64-7-plain-shared``."""
        numbers = f"x{self.scale}-{self.stride}-{self.width}-{self.blocks}"
        return f"{numbers}-{self.layers}-{self.prelu}"

    def config(self) -> GeneratorConfig:
        """Return the dimensions as vidsr has them; they do not state ``layers``."""
        return GeneratorConfig(
            kind="lite",
            scale=self.scale,
            channels=1,
            width=self.width,
            blocks=self.blocks,
            prelu=self.prelu,
            stride=self.stride,
        )

    def build(self) -> Lite:
        """Return the network with fresh weights."""
        net = Lite(self.config())
        if self.layers != "plain":
            make = separable if self.layers == "separable" else shuffled
            parts = [part for a in net.activations[1:] for part in make(self.width, a)]
            net.body = nn.ModuleList(layer for layer, _ in parts)
            net.activations = nn.ModuleList([net.activations[0], *(a for _, a in parts)])
        return net


Part = tuple[nn.Module, nn.Module]  # a layer, and what its result goes through


def separable(width: int, activation: nn.Module) -> Iterator[Part]:
    """Yield MobileNet's block: 3x3 within each channel, then 1x1 across them."""
    yield nn.Conv2d(width, width, 3, padding=1, groups=width), nn.Identity()
    yield nn.Conv2d(width, width, 1), activation


def shuffled(width: int, activation: nn.Module) -> Iterator[Part]:
    """Yield ShuffleNet's block: 1x1 within groups, channels dealt out anew, 3x3, 1x1 within groups.

    Its shortcut is left out: weights begin near the identity, as those of the plain layers do.
    """
    assert isinstance(activation, nn.PReLU)
    yield nn.Conv2d(width, width, 1, groups=GROUPS), nn.PReLU(activation.num_parameters)
    yield nn.ChannelShuffle(GROUPS), nn.Identity()
    yield nn.Conv2d(width, width, 3, padding=1, groups=width), nn.Identity()
    yield nn.Conv2d(width, width, 1, groups=GROUPS), activation


class WideGroups(WideConv):
    """``WideConv`` of a convolution within groups, which begins near the identity as well."""

    def __init__(self, plain: nn.Conv2d, middle: int) -> None:
        super().__init__(plain, middle)
        self.identity = plain.in_channels == plain.out_channels

    def _identity(self, like: Tensor) -> Tensor:
        """Return the kernel that changes nothing: each channel from its own place in its group."""
        centre, (outside, inside) = like.shape[-1] // 2, like.shape[:2]
        kernel = torch.zeros_like(like)
        for channel in range(outside if self.identity else 0):
            kernel[channel, channel % inside, centre, centre] = 1
        return kernel


def student_of(shape: Shape, *, seed: int, middle: int) -> WideLite:
    """Return a shape ready to learn, over-parameterised as ``vidsr-train`` does it for ``lite``."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        student = WideLite(shape.build(), middle)
        for name, layer in student.lite.named_modules():
            if isinstance(layer, nn.Conv2d) and layer.groups > 1:
                student.wide[name.replace(".", "-")] = WideGroups(layer, middle)
    return student


def multiply_adds(net: nn.Module, channels: int) -> float:
    """Count the multiply-adds of all convolutions for each pixel of the input.

    Args:
        net: Maps ``[N, channels, H, W]`` to a larger picture.
        channels: 1 or 3.
    """
    total = 0

    def count(layer: nn.Module, _: Any, out: Tensor) -> None:
        nonlocal total
        assert isinstance(layer, nn.Conv2d)
        total += out.numel() * layer.weight[0].numel()

    convolutions = [layer for layer in net.modules() if isinstance(layer, nn.Conv2d)]
    hooks = [layer.register_forward_hook(count) for layer in convolutions]
    with torch.inference_mode():
        net(torch.zeros(1, channels, PROBE_SIDE, PROBE_SIDE))
    for hook in hooks:
        hook.remove()
    return total / PROBE_SIDE**2


def parameters(net: nn.Module) -> int:
    """Return the number of weights that are learned."""
    return sum(weight.numel() for weight in net.parameters())
