"""Any network that turns a picture into a larger one, in the form in which generators run."""

from __future__ import annotations

from typing import NoReturn

from torch import Tensor, nn

from vidsr.errors import ModelError
from vidsr.models.networks.phase_net import PhaseNet
from vidsr.models.networks.traits import NetworkTraits


class PlainNet(PhaseNet):
    """A network of foreign architecture as a generator that leaves no shuffle out.

    Args:
        net: Maps [N, C, H, W] in [0, 1] to [N, C, s*H, s*W], about [0, 1].
        traits: Facts about ``net``. Sizes that it does not take are reached by repeating the last
            row and column.

    Raises:
        ModelError: The channels are neither 1 nor 3, or differ between input and output, or the
            network takes more than one picture.
    """

    def __init__(self, net: nn.Module, traits: NetworkTraits) -> None:
        super().__init__()
        if traits.in_channels not in (1, 3) or traits.out_channels != traits.in_channels:
            raise ModelError(
                f"expected a network of 1 or 3 channels that gives as many as it takes, "
                f"got {traits.in_channels} to {traits.out_channels}"
            )
        if traits.past_frames or traits.future_frames or traits.extra_planes:
            raise ModelError("expected a network of one picture, got one of frames or extra planes")
        self.net, self.traits = net.eval(), traits

    @property
    def config(self) -> NoReturn:  # type: ignore[override]
        """Raise ModelError: the dimensions of a foreign architecture are not known."""
        raise ModelError(f"{type(self.net).__name__} is no generator of vidsr: no dimensions")

    @property
    def channels(self) -> int:
        """Channels of the picture: 3 for RGB, 1 for luma."""
        return self.traits.in_channels

    @property
    def scale(self) -> int:
        """Factor from low to high resolution."""
        return self.traits.scale

    @property
    def shuffle(self) -> int:
        """1: the network makes its picture itself."""
        return 1

    def phase(self, x: Tensor) -> Tensor:
        """Map [N, C, H, W] in [0, 1] -> [N, C, s*H, s*W], the picture."""
        height, width = x.shape[2:]
        least, step = self.traits.minimum, self.traits.alignment
        missing = (0, _missing(width, least.width, step), 0, _missing(height, least.height, step))
        if any(missing):
            x = nn.functional.pad(x, missing, mode="replicate")
        out: Tensor = self.net(x)
        return out[..., : height * self.scale, : width * self.scale]


def _missing(length: int, least: int, step: int) -> int:
    """Return how many samples a side lacks to be long enough and a multiple of ``step``."""
    wanted = max(length, least)
    return wanted + -wanted % step - length
