"""The form in which generators run: up to, but not including, their last pixel shuffle."""

from __future__ import annotations

from torch import Tensor, nn

from vidsr.models.networks.config import GeneratorConfig


class PhaseNet(nn.Module):
    """A generator in unit range whose last layers are the convolution ``tail`` and a shuffle."""

    config: GeneratorConfig
    tail: nn.Conv2d
    casts: bool = False  # True: takes a picture in float32 whatever the type of its weights

    @property
    def channels(self) -> int:
        """Channels of the picture: 3 for RGB, 1 for luma."""
        return self.config.channels

    @property
    def scale(self) -> int:
        """Factor from low to high resolution."""
        return self.config.scale

    @property
    def shuffle(self) -> int:
        """Factor of the last pixel shuffle, the one ``phase`` leaves out; 1 for none."""
        return self.scale

    def phase(self, x: Tensor) -> Tensor:
        """Map [N, C, H, W] in [0, 1] -> [N, C*r*r, H*s/r, W*s/r], before the shuffle r."""
        raise NotImplementedError

    def forward(self, x: Tensor) -> Tensor:
        """Map [N, C, H, W] in [0, 1] -> [N, C, s*H, s*W], about [0, 1], not clamped."""
        return nn.functional.pixel_shuffle(self.phase(x), self.shuffle)


class DifferenceNet(PhaseNet):
    """A generator that computes what nearest-neighbour upscaling of its input lacks.

    Running it in bfloat16 rounds only the difference, never the picture: at 8 bits the input is
    added back unrounded. The input is centred on mid-grey, which makes zero padding mean grey
    instead of black.
    """

    centre: float = 0.5

    def residual(self, centred: Tensor) -> Tensor:
        """Map [N, C, H, W] less ``centre`` -> [N, C*s*s, H, W]: what is to be added to the input.

        Centred by the caller, before any rounding to 16 bits: bright samples would lose most.
        """
        raise NotImplementedError

    def phase(self, x: Tensor) -> Tensor:
        """Map [N, C, H, W] in [0, 1] -> [N, C*s*s, H, W], the picture before its pixel shuffle."""
        return self.residual(x - self.centre) + x.repeat_interleave(self.shuffle**2, dim=1)
