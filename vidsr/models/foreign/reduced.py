"""Networks whose larger picture is made smaller again, by bicubic interpolation."""

from __future__ import annotations

from fractions import Fraction

import torch
from torch import Tensor, nn

from vidsr.models.foreign.compact import Compact
from vidsr.models.foreign.refusal import Misfit
from vidsr.models.networks.stated_net import StatedNet
from vidsr.models.networks.traits import NetworkTraits

CUBIC_REACH = 2  # samples on each side of a sample


class Reduced(StatedNet):
    """A Compact ``net``, its picture reduced by ``size``, as in Real-ESRGAN's x2 and x3.

    1/2 or 3/4 of four times: ``size`` times ``net``'s scale is a whole number.
    """

    casts = True  # what is added to nearest neighbours is rounded, the picture is not

    def __init__(self, net: Compact, size: float) -> None:
        super().__init__()
        scale = Fraction(size).limit_denominator(16) * net.scale
        inner = net.traits
        if scale.denominator != 1 or not 0 < size < 1 or inner.halo is None:
            raise Misfit(f"a picture {net.scale} times larger, resized by {size}")
        self.net, self.size = net, size
        self.traits = NetworkTraits(
            scale=scale.numerator,
            in_channels=inner.in_channels,
            out_channels=inner.out_channels,
            halo=inner.halo + -(-CUBIC_REACH // net.scale) + 1,
            alignment=inner.alignment,
        )

    @property
    def architecture(self) -> str:
        """Name of the network, and what is done to its picture."""
        return f"{self.net.architecture} x{self.net.scale} reduced to x{self.scale}"

    @property
    def shuffle(self) -> int:
        """1: the network makes its picture itself."""
        return 1

    def phase(self, x: Tensor) -> Tensor:
        """Map [N, C, H, W] in [0, 1] -> [N, C, s*H, s*W], about [0, 1], not clamped."""
        height, width = x.shape[2:]
        difference = self.net.residual(x.to(self.net.tail.weight.dtype))
        phases = torch.add(difference, x.repeat_interleave(self.net.shuffle**2, dim=1))
        return nn.functional.interpolate(
            nn.functional.pixel_shuffle(phases, self.net.shuffle),
            (height * self.scale, width * self.scale),
            mode="bicubic",
            align_corners=False,
        )
