"""A restorer that keeps the size: against blur and noise, seen on coarser and coarser grids."""

from __future__ import annotations

from torch import Tensor, nn

from vidsr.models.networks.config import GeneratorConfig
from vidsr.models.networks.phase_net import DifferenceNet


class Block(nn.Module):
    """``x + conv(relu(conv(x)))``, 3x3."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(width, width, 3, padding=1)
        self.activation = nn.ReLU(inplace=True)
        self.conv2 = nn.Conv2d(width, width, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        """Map [N, C, H, W] -> the same shape."""
        out: Tensor = x + self.conv2(self.activation(self.conv1(x)))
        return out


def _blocks(config: GeneratorConfig, level: int) -> nn.Sequential:
    return nn.Sequential(*(Block(config.width << level) for _ in range(config.blocks)))


def _down(inside: int) -> nn.Conv2d:
    """Map [N, C, H, W] -> [N, 2*C, H/2, W/2]."""
    return nn.Conv2d(inside, 2 * inside, 2, stride=2)


def _up(outside: int) -> nn.Sequential:
    """Map [N, 2*C, H, W] -> [N, C, 2*H, 2*W]: the transposed 2x2 convolution, as a shuffle."""
    return nn.Sequential(nn.Conv2d(2 * outside, 4 * outside, 1), nn.PixelShuffle(2))


class UNet(DifferenceNet):
    """A U-Net (Ronneberger et al., 2015) that computes what the picture lacks.

    Residual blocks and skips that add instead of concatenating, no normalisation: as in DRUNet
    (Zhang et al., 2021), made small. Channels double on each of ``levels`` halved grids. With a
    ``config.stride`` of 2 the first grid is half the picture's already, and a last shuffle
    ``refine`` brings it back: a quarter of the work at the same width. The last layer starts at
    zero, so that an untrained network returns its input.

    Layers are defined in the order in which the longest path runs through them.
    """

    def __init__(self, config: GeneratorConfig) -> None:
        super().__init__()
        self.config = config
        width, step, levels = config.width, config.stride, range(config.levels)
        self.head = nn.Conv2d(config.channels, width, 3 * step, stride=step, padding=step)
        self.encoder = nn.ModuleList(
            nn.Sequential(_blocks(config, i), _down(width << i)) for i in levels
        )
        self.bottom = _blocks(config, config.levels)
        self.decoder = nn.ModuleList(
            nn.Sequential(_up(width << i), _blocks(config, i)) for i in reversed(levels)
        )
        self.tail = nn.Conv2d(width, config.channels * step**2, 3, padding=1)
        self.refine = nn.PixelShuffle(step)
        nn.init.zeros_(self.tail.weight)
        assert self.tail.bias is not None
        nn.init.zeros_(self.tail.bias)

    @property
    def stride(self) -> int:
        """Pixels from one sample of the coarsest grid to the next."""
        stride: int = self.config.stride << self.config.levels
        return stride

    def residual(self, centred: Tensor) -> Tensor:
        """See ``DifferenceNet.residual``.

        Sizes that are no multiple of ``stride`` are made one by repeating the last row and column.
        """
        height, width = centred.shape[2:]
        missing = (0, -width % self.stride, 0, -height % self.stride)
        if any(missing):
            centred = nn.functional.pad(centred, missing, mode="replicate")
        return self._restore(centred)[..., :height, :width]

    def _restore(self, x: Tensor) -> Tensor:
        h: Tensor = self.head(x)
        skips = []
        for stage in self.encoder:
            assert isinstance(stage, nn.Sequential)
            skips.append(stage[0](h))
            h = stage[1](skips[-1])
        h = self.bottom(h)
        for stage in self.decoder:
            assert isinstance(stage, nn.Sequential)
            h = stage[1](stage[0](h) + skips.pop())
        out: Tensor = self.refine(self.tail(h)) if self.config.stride > 1 else self.tail(h)
        return out
