"""The generator of SRGAN: a residual network with batch normalisation and sub-pixel upsampling."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from vidsr.models.networks.config import GeneratorConfig, NormKind


class ResidualBlock(nn.Module):
    """``x + norm(conv(prelu(norm(conv(x)))))`` with 3x3 convolutions, ``width`` channels."""

    def __init__(self, width: int, slopes: int, norm: NormKind) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(width, width, 3, padding=1)
        self.norm1 = _norm(width, norm)
        self.activation = nn.PReLU(slopes)
        self.conv2 = nn.Conv2d(width, width, 3, padding=1)
        self.norm2 = _norm(width, norm)

    def forward(self, x: Tensor) -> Tensor:
        """Map [N, C, H, W] -> the same shape."""
        h = self.activation(self.norm1(self.conv1(x)))
        out: Tensor = x + self.norm2(self.conv2(h))
        return out


def _norm(width: int, norm: NormKind) -> nn.Module:
    return nn.BatchNorm2d(width) if norm == "batch" else nn.Identity()


def _upsampler(width: int, slopes: int) -> list[nn.Module]:
    """Return layers for twice the size: a convolution, a pixel shuffle, a PReLU."""
    return [
        nn.Conv2d(width, 4 * width, 3, padding=1),
        nn.PixelShuffle(2),
        nn.PReLU(slopes),
    ]


class SRResNet(nn.Module):
    """SRResNet as published (Ledig et al., CVPR 2017, figure 4): no tanh at the end.

    ``config.norm`` "none" leaves out the normalisation, as EDSR (Lim et al., 2017) found better.

    Layers are defined in the order in which they run, which is what
    ``vidsr.models.readers.foreign_srresnet`` matches foreign checkpoints against.
    """

    def __init__(self, config: GeneratorConfig) -> None:
        super().__init__()
        self.config = config
        width = config.width
        slopes = width if config.prelu == "channel" else 1
        self.head = nn.Sequential(nn.Conv2d(config.channels, width, 9, padding=4), nn.PReLU(slopes))
        self.blocks = nn.Sequential(
            *(ResidualBlock(width, slopes, config.norm) for _ in range(config.blocks))
        )
        self.join = nn.Sequential(nn.Conv2d(width, width, 3, padding=1), _norm(width, config.norm))
        doublings = config.scale.bit_length() - 1
        self.upsample = nn.Sequential(
            *(layer for _ in range(doublings) for layer in _upsampler(width, slopes))
        )
        self.tail = nn.Conv2d(width, config.channels, 9, padding=4)

    def forward(self, x: Tensor) -> Tensor:
        """Map [N, C, H, W] in [0, 1] -> [N, C, s*H, s*W], not clamped.

        The result is the network's own, in ``config.output_range``: a ``signed`` network
        (the published training) puts out about [-1, 1]. ``to_unit`` brings it to [0, 1].
        """
        head = self.head(x)
        out: Tensor = self.tail(self.upsample(head + self.join(self.blocks(head))))
        return out

    def to_unit(self, y: Tensor) -> Tensor:
        """Map the network's own output to the picture, about [0, 1], any shape, not clamped."""
        return (y + 1) / 2 if self.config.output_range == "signed" else y

    @torch.no_grad()
    def upscale(self, x: Tensor) -> Tensor:
        """Map [N, C, H, W] in [0, 1] -> the picture [N, C, s*H, s*W], about [0, 1], not clamped."""
        return self.to_unit(self(x))
