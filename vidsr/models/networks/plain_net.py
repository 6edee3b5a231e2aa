"""Any network that turns a picture into a larger one, in the form in which generators run."""

from __future__ import annotations

from torch import Tensor, nn

from vidsr.errors import ModelError
from vidsr.models.networks.layers.padding import padded
from vidsr.models.networks.stated_net import StatedNet
from vidsr.models.networks.traits import NetworkTraits


class PlainNet(StatedNet):
    """A network of foreign architecture as a generator that leaves no shuffle out.

    Args:
        net: Maps [N, C, H, W] in [0, 1] to [N, C, s*H, s*W], about [0, 1].
        traits: Facts about ``net``. Sizes that it does not take are reached by mirroring at the
            last row and column, or repeating them where there is not enough to mirror.
        title: Name of the architecture; empty for that of the class.

    Raises:
        ModelError: The channels are neither 1 nor 3, or differ between input and output, or the
            network takes more than one picture.
    """

    def __init__(self, net: nn.Module, traits: NetworkTraits, title: str = "") -> None:
        super().__init__()
        if traits.in_channels not in (1, 3) or traits.out_channels != traits.in_channels:
            raise ModelError(
                f"expected a network of 1 or 3 channels that gives as many as it takes, "
                f"got {traits.in_channels} to {traits.out_channels}"
            )
        if traits.past_frames or traits.future_frames or traits.extra_planes:
            raise ModelError("expected a network of one picture, got one of frames or extra planes")
        self.net, self.traits, self.title = net.eval(), traits, title

    @property
    def architecture(self) -> str:
        """Name of the architecture, as stated, or of the class of ``net``."""
        return self.title or type(self.net).__name__

    @property
    def shuffle(self) -> int:
        """1: the network makes its picture itself."""
        return 1

    def phase(self, x: Tensor) -> Tensor:
        """Map [N, C, H, W] in [0, 1] -> [N, C, s*H, s*W], the picture."""
        height, width = x.shape[2:]
        least, step = self.traits.minimum, self.traits.multiple or self.traits.alignment
        below, right = _missing(height, least.height, step), _missing(width, least.width, step)
        if self.traits.square:
            side = max(height + below, width + right)
            below, right = side - height, side - width
        out: Tensor = self.net(padded(x, below, right).contiguous())  # others use views
        return out[..., : height * self.scale, : width * self.scale]


def _missing(length: int, least: int, step: int) -> int:
    """Return how many samples a side lacks to be long enough and a multiple of ``step``."""
    wanted = max(length, least)
    return wanted + -wanted % step - length
