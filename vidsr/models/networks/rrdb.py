"""ESRGAN's generator: dense blocks in residual blocks in a residual network."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from vidsr.models.networks.config import GeneratorConfig
from vidsr.models.networks.phase_net import PhaseNet

RESIDUAL_SCALE = 0.2
SLOPE = 0.2
INITIAL_SCALE = 0.1  # of the weights inside blocks, which are many and add up


def _active(conv: nn.Module, x: Tensor) -> Tensor:
    return nn.functional.leaky_relu(conv(x), SLOPE, inplace=True)


class DenseBlock(nn.Module):
    """Five 3x3 convolutions that see what all before them made; a fifth of the last is added."""

    def __init__(self, width: int, growth: int) -> None:
        super().__init__()
        self.convs = nn.ModuleList(
            nn.Conv2d(width + i * growth, growth if i < 4 else width, 3, padding=1)
            for i in range(5)
        )
        for conv in self.convs:
            assert isinstance(conv, nn.Conv2d)
            assert conv.bias is not None
            nn.init.kaiming_normal_(conv.weight, a=SLOPE)
            nn.init.zeros_(conv.bias)
            with torch.no_grad():
                conv.weight.mul_(INITIAL_SCALE)

    def forward(self, x: Tensor) -> Tensor:
        """Map [N, C, H, W] -> the same shape."""
        seen = x
        for conv in self.convs[:-1]:
            seen = torch.cat((seen, _active(conv, seen)), dim=1)
        out: Tensor = torch.add(x, self.convs[-1](seen), alpha=RESIDUAL_SCALE)
        return out


class RRDBlock(nn.Module):
    """Three dense blocks; a fifth of what they make is added."""

    def __init__(self, width: int, growth: int) -> None:
        super().__init__()
        self.blocks = nn.Sequential(*(DenseBlock(width, growth) for _ in range(3)))

    def forward(self, x: Tensor) -> Tensor:
        """Map [N, C, H, W] -> the same shape."""
        out: Tensor = torch.add(x, self.blocks(x), alpha=RESIDUAL_SCALE)
        return out


class RRDB(PhaseNet):
    """The generator of ESRGAN (Wang et al., ECCV workshops 2018): no batch normalisation.

    Published with ``width`` 64, 23 ``blocks`` and ``growth`` 32, for x4; x2 has one upscaling step
    less. It upscales by nearest neighbour and convolution, which leaves no checkerboard to unlearn.
    """

    def __init__(self, config: GeneratorConfig) -> None:
        super().__init__()
        self.config = config
        width = config.width
        self.head = nn.Conv2d(config.channels, width, 3, padding=1)
        self.blocks = nn.Sequential(*(RRDBlock(width, config.growth) for _ in range(config.blocks)))
        self.join = nn.Conv2d(width, width, 3, padding=1)
        self.upsample = nn.Sequential()
        for _ in range(config.scale.bit_length() - 1):
            self.upsample.append(nn.Upsample(scale_factor=2, mode="nearest"))
            self.upsample.append(nn.Conv2d(width, width, 3, padding=1))
            self.upsample.append(nn.LeakyReLU(SLOPE, inplace=True))
        self.refine = nn.Conv2d(width, width, 3, padding=1)
        self.tail = nn.Conv2d(width, config.channels, 3, padding=1)

    @property
    def shuffle(self) -> int:
        """1: the last layers are at full resolution."""
        return 1

    def phase(self, x: Tensor) -> Tensor:
        """Map [N, C, H, W] in [0, 1] -> [N, C, s*H, s*W], about [0, 1], not clamped."""
        out: Tensor = self.tail(_active(self.refine, self.upsample(self._features(x))))
        return out

    def _features(self, x: Tensor) -> Tensor:
        """Map [N, C, H, W] -> [N, width, H, W]: everything at low resolution."""
        head = self.head(x)
        out: Tensor = head + self.join(self.blocks(head))
        return out
