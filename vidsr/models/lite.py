"""The small generator for processors: plain 3x3 convolutions on luma and one late pixel shuffle."""

from __future__ import annotations

from torch import Tensor, nn

from vidsr.models.config import GeneratorConfig
from vidsr.models.forms import DifferenceNet


class Lite(DifferenceNet):
    """SRResNet's shape made small: head, ``blocks`` 3x3 convolutions, tail, one pixel shuffle."""

    def __init__(self, config: GeneratorConfig) -> None:
        super().__init__()
        self.config = config
        width = config.width
        self.head = nn.Conv2d(config.channels, width, 3, padding=1)
        self.body = nn.ModuleList(
            nn.Conv2d(width, width, 3, padding=1) for _ in range(config.blocks)
        )
        self.tail = nn.Conv2d(width, config.channels * config.scale**2, 3, padding=1)
        slopes = width if config.prelu == "channel" else 1
        self.activations = nn.ModuleList(nn.PReLU(slopes) for _ in range(config.blocks + 1))

    def residual(self, centred: Tensor) -> Tensor:
        """See :meth:`vidsr.models.forms.DifferenceNet.residual`."""
        h = self.activations[0](self.head(centred))
        for conv, activation in zip(self.body, self.activations[1:], strict=True):
            h = activation(conv(h))
        out: Tensor = self.tail(h)
        return out
