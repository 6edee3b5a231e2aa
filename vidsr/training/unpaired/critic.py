"""Critic of unpaired training: patches judged by their detail, at several scales."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

from vidsr.training.choices import AdversarialKind
from vidsr.training.networks.discriminator import build_discriminator
from vidsr.training.unpaired_options import CRITIC_LAYERS

NEIGHBOURS = 9
"""Pixels a side whose mean is taken off: what is coarser is the scene, which no camera made."""
GAIN = 4.0
"""Factor of the detail: noise of two levels would else be nothing to a critic of bounded slope."""


def detail(x: Tensor) -> Tensor:
    """Return ``[N, C, H, W]`` less the mean of the 9x9 pixels around each, of those there are."""
    middle = NEIGHBOURS // 2
    return x - F.avg_pool2d(x, NEIGHBOURS, 1, middle, count_include_pad=False)


class MultiScaleCritic(nn.Module):
    """PatchGANs on a picture, on its half, on its quarter (Wang et al. 2018, pix2pixHD).

    Each sees the detail of its own scale around mid-grey. The two folders show other scenes, so
    that colours and brightness would tell them apart at once, and the generator would learn to
    paint; frequencies are separated as by Fritsche et al. 2019.
    """

    def __init__(self, scales: int, *, adversarial: AdversarialKind, width: int) -> None:
        super().__init__()
        self.critics = nn.ModuleList(
            build_discriminator("patch", adversarial=adversarial, width=width, layers=CRITIC_LAYERS)
            for _ in range(scales)
        )

    def pyramid(self, x: Tensor) -> list[Tensor]:
        """Return ``[N, 3, H, W]`` and its halves, one picture a critic, averaged 2x2."""
        pictures = [x]
        while len(pictures) < len(self.critics):
            pictures.append(F.avg_pool2d(pictures[-1], 2))
        return pictures

    def judge(self, index: int, x: Tensor) -> Tensor:
        """Return the logits of critic ``index`` for a picture of its scale."""
        logits: Tensor = self.critics[index](0.5 + GAIN * detail(x))
        return logits

    def forward(self, x: Tensor) -> list[Tensor]:
        """Return a map of logits a scale, of ``[N, 3, H, W]`` in [0, 1]."""
        return [self.judge(index, each) for index, each in enumerate(self.pyramid(x))]
