"""ESPCN: three convolutions at low resolution, then the pixel shuffle it introduced."""

from __future__ import annotations

from torch import Tensor, nn

from vidsr.models.networks.config import GeneratorConfig
from vidsr.models.networks.phase_net import PhaseNet


class ESPCN(PhaseNet):
    """Shi et al., CVPR 2016: 5x5 to ``width``, 3x3 to half of it, 3x3 to s*s phases.

    Published with ``width`` 64 on luma, and with tanh, which it found better than ReLU; so here.
    """

    def __init__(self, config: GeneratorConfig) -> None:
        super().__init__()
        self.config = config
        width = config.width
        self.body = nn.Sequential(
            nn.Conv2d(config.channels, width, 5, padding=2),
            nn.Tanh(),
            nn.Conv2d(width, width // 2, 3, padding=1),
            nn.Tanh(),
        )
        self.tail = nn.Conv2d(width // 2, config.channels * config.scale**2, 3, padding=1)

    def phase(self, x: Tensor) -> Tensor:
        """See ``PhaseNet.phase``."""
        out: Tensor = self.tail(self.body(x))
        return out
