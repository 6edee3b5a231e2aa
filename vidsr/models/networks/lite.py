"""The small generator for CPUs: plain 3x3 convolutions on luma and one late pixel shuffle."""

from __future__ import annotations

from torch import Tensor, nn

from vidsr.models.networks.config import GeneratorConfig
from vidsr.models.networks.phase_net import DifferenceNet


class Lite(DifferenceNet):
    """SRResNet's shape made small: head, ``blocks`` 3x3 convolutions, tail, one pixel shuffle.

    With a ``stride`` of 2 all of it runs on a grid twice as coarse, whose samples a last shuffle
    ``refine`` brings back to the input's: a quarter of the work at the same width.
    """

    def __init__(self, config: GeneratorConfig) -> None:
        super().__init__()
        self.config = config
        width, step = config.width, config.stride
        self.head = nn.Conv2d(config.channels, width, 3 * step, stride=step, padding=step)
        self.body = nn.ModuleList(
            nn.Conv2d(width, width, 3, padding=1) for _ in range(config.blocks)
        )
        self.tail = nn.Conv2d(width, config.channels * (config.scale * step) ** 2, 3, padding=1)
        self.refine = nn.PixelShuffle(step)  # after the tail: the order in which the data runs
        slopes = width if config.prelu == "channel" else 1
        self.activations = nn.ModuleList(nn.PReLU(slopes) for _ in range(config.blocks + 1))

    def residual(self, centred: Tensor) -> Tensor:
        """See ``DifferenceNet.residual``.

        Sizes that are no multiple of ``stride`` are made one by repeating the last row and column.
        """
        if self.config.stride == 1:
            return self._layers(centred)
        height, width = centred.shape[2:]
        missing = (0, -width % self.config.stride, 0, -height % self.config.stride)
        if any(missing):
            centred = nn.functional.pad(centred, missing, mode="replicate")
        out: Tensor = self.refine(self._layers(centred))
        return out[..., :height, :width]

    def _layers(self, centred: Tensor) -> Tensor:
        h = self.activations[0](self.head(centred))
        for conv, activation in zip(self.body, self.activations[1:], strict=True):
            h = activation(conv(h))
        out: Tensor = self.tail(h)
        return out
