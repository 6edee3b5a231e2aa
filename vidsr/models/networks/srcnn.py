"""SRCNN: bicubic upscaling, then three convolutions at full resolution."""

from __future__ import annotations

from fractions import Fraction

import torch
from torch import Tensor, nn

from vidsr.models.networks.config import GeneratorConfig
from vidsr.models.networks.phase_net import PhaseNet
from vidsr.picture.resample import resample
from vidsr.picture.size import Size

REACH = 2  # source pixels either side that a bicubic kernel can need


def bicubic_phases(scale: int) -> Tensor:
    """Return the weights of each phase in bicubic (a = -1/2) upscaling, [s*s, 1, 5, 5]."""
    side = 2 * REACH + 1
    taps = torch.eye(side**2, device="cpu").view(side**2, 1, side, side)
    step = Fraction(1, scale)
    large = resample(
        taps,
        Size(side * scale, side * scale),
        step=(step, step),
        origin=((step - 1) / 2, (step - 1) / 2),
    )
    centre = slice(REACH * scale, (REACH + 1) * scale)
    return large[:, 0, centre, centre].permute(1, 2, 0).reshape(scale**2, 1, side, side)


class FixedConv2d(nn.Conv2d):
    """A convolution that does not learn and is not stored: its weight is a buffer."""

    def __init__(self, weight: Tensor) -> None:
        out_channels, in_channels, k, _ = weight.shape
        super().__init__(in_channels, out_channels, k, bias=False)
        del self.weight
        self.register_buffer("weight", weight, persistent=False)


class Bicubic(nn.Module):
    """Bicubic upscaling of every channel; edges replicate."""

    def __init__(self, scale: int) -> None:
        super().__init__()
        with torch.device("cpu"):  # whatever the weights are built on: these are not loaded
            phases = FixedConv2d(bicubic_phases(scale))
        self.steps = nn.Sequential(nn.ReplicationPad2d(REACH), phases, nn.PixelShuffle(scale))

    def forward(self, x: Tensor) -> Tensor:
        """Map [N, C, H, W] -> [N, C, s*H, s*W]."""
        planes: Tensor = self.steps(x.reshape(-1, 1, *x.shape[2:]))
        return planes.view(*x.shape[:2], *planes.shape[2:])


class SRCNN(PhaseNet):
    """Dong et al., ECCV 2014: 9x9 to ``width``, 1x1 to half of it, 5x5 to the picture.

    Published with ``width`` 64 on luma. As published there is no shortcut: the network has to learn
    to pass the picture on. Weights start from a Gaussian, of He's deviation (He et al., 2015) where
    the paper has 0.001 and learning rates per layer.
    """

    def __init__(self, config: GeneratorConfig) -> None:
        super().__init__()
        self.config = config
        width = config.width
        self.enlarge = Bicubic(config.scale)
        self.body = nn.Sequential(
            nn.Conv2d(config.channels, width, 9, padding=4),
            nn.ReLU(inplace=True),
            nn.Conv2d(width, width // 2, 1),
            nn.ReLU(inplace=True),
        )
        self.tail = nn.Conv2d(width // 2, config.channels, 5, padding=2)
        for layer in (self.body[0], self.body[2], self.tail):
            assert isinstance(layer, nn.Conv2d)
            nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
            assert layer.bias is not None
            nn.init.zeros_(layer.bias)

    @property
    def shuffle(self) -> int:
        """1: the last layers are at full resolution."""
        return 1

    def phase(self, x: Tensor) -> Tensor:
        """Map [N, C, H, W] in [0, 1] -> [N, C, s*H, s*W], about [0, 1], not clamped."""
        out: Tensor = self.tail(self.body(self.enlarge(x)))
        return out
