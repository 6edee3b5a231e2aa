"""The small generator for processors: plain 3x3 convolutions on luma and one late pixel shuffle."""

from __future__ import annotations

from torch import Tensor, nn

from vidsr.models.config import GeneratorConfig


class Lite(nn.Module):
    """SRResNet's shape made small: head, ``blocks`` 3x3 convolutions, tail, one pixel shuffle.

    The network computes what nearest-neighbour enlargement lacks, so that running it in bfloat16
    rounds only the difference, never the picture: at 8 bits the input is added back unrounded.
    The input is centred on mid-grey, which makes zero padding mean grey instead of black.
    """

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

    @property
    def shuffle(self) -> int:
        """Factor of the last pixel shuffle, the one :meth:`phase` leaves out."""
        return self.config.scale

    def residual(self, centred: Tensor) -> Tensor:
        """[N, C, H, W] in [-1/2, 1/2] -> [N, C*s*s, H, W]: what is to be added to the input.

        Centred by the caller, before any rounding to 16 bits: bright samples would lose most.
        """
        h = self.activations[0](self.head(centred))
        for conv, activation in zip(self.body, self.activations[1:], strict=True):
            h = activation(conv(h))
        out: Tensor = self.tail(h)
        return out

    def phase(self, x: Tensor) -> Tensor:
        """[N, C, H, W] in [0, 1] -> [N, C*s*s, H, W], the picture before its pixel shuffle."""
        return self.residual(x - 0.5) + x.repeat_interleave(self.shuffle**2, dim=1)

    def forward(self, x: Tensor) -> Tensor:
        """[N, C, H, W] in [0, 1] -> [N, C, s*H, s*W], about [0, 1], not clamped."""
        return nn.functional.pixel_shuffle(self.phase(x), self.shuffle)
