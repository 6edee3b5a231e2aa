"""Generators whose facts are stated and not derived from dimensions in a file's header."""

from __future__ import annotations

from typing import NoReturn

from torch import nn

from vidsr.errors import ModelError
from vidsr.models.networks.layers.layer_reach import alignment_of, counted_layers, halo_of
from vidsr.models.networks.phase_net import PhaseNet
from vidsr.models.networks.traits import NetworkTraits


class StatedNet(PhaseNet):
    """A generator of foreign architecture: its ``traits`` say all that others have to know."""

    traits: NetworkTraits

    @property
    def config(self) -> NoReturn:  # type: ignore[override]
        """Raise ModelError: the dimensions of a foreign architecture are not known."""
        raise ModelError(f"{self.architecture} is no generator of vidsr: no dimensions")

    @property
    def architecture(self) -> str:
        """Name of the architecture with its dimensions."""
        return type(self).__name__

    @property
    def channels(self) -> int:
        """Channels of the picture: 3 for RGB, 1 for luma."""
        return self.traits.in_channels

    @property
    def scale(self) -> int:
        """Factor from low to high resolution."""
        return self.traits.scale


def counted_traits(net: nn.Module, scale: int, channels: int) -> NetworkTraits:
    """Return the traits of plain layers, whose reach is counted."""
    layers = counted_layers(net)
    return NetworkTraits(
        scale=scale,
        in_channels=channels,
        out_channels=channels,
        halo=halo_of(layers),
        alignment=alignment_of(layers),
    )
