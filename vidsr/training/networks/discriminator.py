"""Discriminators: networks that tell real pictures from generated ones.

Both take ``[N, channels, H, W]`` in [0, 1], RGB or luma, and give logits; the sigmoid belongs to
the loss. Inside, pictures are centred on zero, so that zero padding looks like mid-grey.
Forward and backward of 4x3x96x96 on one busy Zen 4 core, float32: ``srgan`` 224 ms at width 64, 18
at 16; ``patch`` 79 and 8; bfloat16 takes a quarter less.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Literal, TypeVar

import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

from vidsr.training.choices import AdversarialKind, DiscriminatorKind

Norm = Literal["batch", "spectral", "none"]
SLOPE = 0.2  # of every LeakyReLU, in both papers
DENSE_SIDE = 6  # of the deepest maps of the paper's 96x96 crops
INIT_DEVIATION = 0.02  # Radford et al. 2016 (DCGAN) and Isola et al. 2017
Layer = TypeVar("Layer", nn.Conv2d, nn.Linear)


class SrganDiscriminator(nn.Module):
    """Discriminator of SRGAN (Ledig et al. 2017, figure 4): one logit a picture, ``[N, 1]``.

    Eight 3x3 convolutions, ``width`` to 8 ``width`` channels, every second with stride 2, then
    dense layers of 16 ``width`` and 1. The paper's dense layers fix the input at 96x96; here the
    maps are averaged to 6x6 before them, which changes nothing at 96x96 and allows every other
    size. 23.6 M parameters at the paper's ``width`` of 64, 1.5 M at 16.
    """

    def __init__(self, *, channels: int = 3, width: int = 64, norm: Norm = "batch") -> None:
        super().__init__()
        _check(channels=channels, width=width)
        widths = [width << (index // 2) for index in range(8)]
        blocks = [_block(channels, width, norm, kernel=3, stride=1, first=True)]
        for index, (inside, outside) in enumerate(pairwise(widths)):
            blocks.append(_block(inside, outside, norm, kernel=3, stride=2 - index % 2))
        self.convs = nn.Sequential(*blocks)
        self.hidden = _ready(nn.Linear(widths[-1] * DENSE_SIDE**2, 16 * width), norm)
        self.logit = _ready(nn.Linear(16 * width, 1), norm)

    def forward(self, x: Tensor) -> Tensor:
        maps = F.adaptive_avg_pool2d(self.convs(2 * x - 1), DENSE_SIDE)
        out: Tensor = self.logit(F.leaky_relu(self.hidden(maps.flatten(1)), SLOPE))
        return out


class PatchGAN(nn.Module):
    """Discriminator with a logit a patch (Isola et al. 2017): ``[N, 1, ~H/2^layers, ~W/2^layers]``.

    4x4 convolutions: ``layers`` of stride 2, then two of stride 1, channels doubling up to 8
    ``width``. Each logit sees 70x70 pixels at 3 ``layers``, 34x34 at 2, 16x16 at 1. Sides must be
    at least ``smallest``. 2.8 M parameters at the paper's ``width`` of 64, 0.17 M at 16.
    """

    def __init__(
        self, *, channels: int = 3, width: int = 64, layers: int = 3, norm: Norm = "spectral"
    ) -> None:
        super().__init__()
        _check(channels=channels, width=width, layers=layers)
        self.smallest = 3 * 2**layers  # each of the last two convolutions takes a sample away
        widths = [width * min(2**index, 8) for index in range(layers + 1)]
        blocks = [_block(channels, width, norm, kernel=4, stride=2, first=True)]
        for index, (inside, outside) in enumerate(pairwise(widths), start=1):
            blocks.append(_block(inside, outside, norm, kernel=4, stride=1 + (index < layers)))
        head = _ready(nn.Conv2d(widths[-1], 1, 4, padding=1), norm)
        self.convs = nn.Sequential(*blocks, head)

    def forward(self, x: Tensor) -> Tensor:
        if min(x.shape[-2:]) < self.smallest:
            raise ValueError(f"expected sides of at least {self.smallest}, got {list(x.shape)}")
        out: Tensor = self.convs(2 * x - 1)
        return out


Discriminator = SrganDiscriminator | PatchGAN


def build_discriminator(
    kind: DiscriminatorKind,
    *,
    adversarial: AdversarialKind = "bce",
    channels: int = 3,
    width: int = 64,
    layers: int = 3,
    norm: Norm | None = None,
) -> Discriminator:
    """Build a discriminator with fresh weights, in training mode.

    Args:
        kind: "srgan", one logit a picture, or "patch", one a patch.
        adversarial: Kind of the losses it will be trained by.
        channels: 3 for RGB, 1 for luma.
        width: Channels of the first convolution, 1 or more.
        layers: Convolutions of stride 2 of ``patch``, 1 or more.
        norm: Normalisation. None is the paper's: batch for ``srgan`` and spectral (Miyato et al.
            2018) for ``patch``; but none for ``wgan-gp``, whose penalty needs gradients of single
            pictures, which batch normalisation mixes, and of size 1, which spectral normalisation
            also bounds.

    Raises:
        ValueError: Batch normalisation under ``wgan-gp``.
    """
    if adversarial == "wgan-gp" and norm == "batch":
        raise ValueError(f"norm: expected 'spectral' or 'none' under {adversarial}, got {norm!r}")
    if norm is None:
        usual: Norm = "batch" if kind == "srgan" else "spectral"
        norm = "none" if adversarial == "wgan-gp" else usual
    if kind == "srgan":
        return SrganDiscriminator(channels=channels, width=width, norm=norm)
    return PatchGAN(channels=channels, width=width, layers=layers, norm=norm)


def _block(
    inside: int, outside: int, norm: Norm, *, kernel: int, stride: int, first: bool = False
) -> nn.Sequential:
    """Build convolution, normalisation, LeakyReLU; the first block of a paper has no batch norm."""
    batch = norm == "batch" and not first
    conv = nn.Conv2d(inside, outside, kernel, stride, padding=1, bias=not batch)
    parts: list[nn.Module] = [_ready(conv, norm)]
    if batch:
        parts.append(nn.BatchNorm2d(outside))
        nn.init.normal_(parts[-1].weight, 1.0, INIT_DEVIATION)  # type: ignore[arg-type]
    return nn.Sequential(*parts, nn.LeakyReLU(SLOPE))


def _ready(layer: Layer, norm: Norm) -> Layer:
    """Give ``layer`` its first weights, divided by their largest singular value if asked."""
    nn.init.normal_(layer.weight, 0.0, INIT_DEVIATION)
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)
    if norm == "spectral":
        spectral_norm(layer)  # in place
    return layer


def _check(**counts: int) -> None:
    for name, count in counts.items():
        if count < 1:
            raise ValueError(f"{name}: expected 1 or more, got {count}")
