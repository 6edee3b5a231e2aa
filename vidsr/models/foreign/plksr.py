"""RealPLKSR networks: blocks of 3x3 convolutions and one large kernel on a part of the channels."""

from __future__ import annotations

import re
from collections.abc import Mapping

import torch
from torch import Tensor, nn

from vidsr.models.foreign.dysample import DySample
from vidsr.models.foreign.refusal import Misfit, fill, side_of
from vidsr.models.networks.phase_net import DifferenceNet
from vidsr.models.networks.stated_net import StatedNet, counted_traits
from vidsr.models.networks.traits import NetworkTraits

GROUPS = 4  # of the normalisation over the picture; no file tells another number
PIXEL_EPSILON = 1e-6
MOST_BLOCKS = 128
BLOCK = re.compile(r"feats\.(\d+)\.channel_mixer\.0\.weight")
LAYERS = {
    "channel_mixer.0": "mix.0",
    "channel_mixer.2": "mix.2",
    "lk.conv": "large",
    "attn.f.0": "attention",
    "refine": "refine",
    "norm": "norm",
    "layer_norm": "norm",
}
NEEDED = ("feats.0.weight", "feats.1.lk.conv.weight", "feats.1.refine.weight")


class PixelNorm(nn.Module):
    """Normalisation of the channels of each pixel, in float32."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.weight, self.bias = nn.Parameter(torch.ones(width)), nn.Parameter(torch.zeros(width))

    def forward(self, x: Tensor) -> Tensor:
        """Map [N, C, H, W] -> the same shape and type."""
        exact = x.float()
        centred = exact - exact.mean(1, keepdim=True)
        deviation = (centred.square().mean(1, keepdim=True) + PIXEL_EPSILON).sqrt()
        scaled = self.weight.float()[:, None, None] * (centred / deviation)
        return (scaled + self.bias.float()[:, None, None]).to(x.dtype)


class PictureNorm(nn.GroupNorm):
    """Normalisation of groups of channels over the whole picture, in float32.

    What it gives for a pixel depends on all others, so that no tile equals the whole.
    """

    def forward(self, input: Tensor) -> Tensor:
        """Map [N, C, H, W] -> the same shape and type."""
        weight, bias = self.weight.float(), self.bias.float()
        exact = nn.functional.group_norm(input.float(), self.num_groups, weight, bias, self.eps)
        return exact.to(input.dtype)


class PlkBlock(nn.Module):
    """Two 3x3 convolutions, the large one, weights for every sample, and a normalisation.

    ``by_pixel`` normalises the channels of each pixel before, else groups over the picture after.
    """

    def __init__(
        self, width: int, part: int, kernel: int, *, attends: bool, by_pixel: bool
    ) -> None:
        super().__init__()
        self.mix = nn.Sequential(
            nn.Conv2d(width, 2 * width, 3, padding=1),
            nn.Mish(),
            nn.Conv2d(2 * width, width, 3, padding=1),
        )
        self.large = nn.Conv2d(part, part, kernel, padding=kernel // 2)
        self.attention = nn.Conv2d(width, width, 3, padding=1) if attends else None
        self.refine = nn.Conv2d(width, width, 1)
        self.norm = PixelNorm(width) if by_pixel else PictureNorm(GROUPS, width)

    def forward(self, x: Tensor) -> Tensor:
        """Map [N, C, H, W] -> the same shape."""
        first = isinstance(self.norm, PixelNorm)
        h = self.mix(self.norm(x) if first else x)
        part = self.large.in_channels
        h = torch.cat((self.large(h[:, :part].contiguous()), h[:, part:]), 1)
        if self.attention is not None:
            h = h * torch.sigmoid(self.attention(h))
        h = self.refine(h)
        out: Tensor = x + (h if first else self.norm(h))
        return out


class RealPlksr(DifferenceNet, StatedNet):
    """RealPLKSR (after Lee et al., 2024) that adds to nearest-neighbour upscaling of its input.

    Args:
        channels: Channels of the picture, 1 or 3.
        width: Channels of the features.
        blocks: Number of blocks.
        part: Channels that the large kernel sees.
        kernel: Side of the large kernel, odd.
        scale: Factor of the last shuffle.
        attends: True where blocks weigh every sample.
        by_pixel: True where blocks normalise pixel by pixel, so that the reach has a bound.
    """

    centre = 0.0

    def __init__(
        self,
        channels: int,
        width: int,
        blocks: int,
        part: int,
        kernel: int,
        scale: int,
        *,
        attends: bool,
        by_pixel: bool,
    ) -> None:
        super().__init__()
        self.head = nn.Conv2d(channels, width, 3, padding=1)
        self.blocks = nn.Sequential(
            *(
                PlkBlock(width, part, kernel, attends=attends, by_pixel=by_pixel)
                for _ in range(blocks)
            )
        )
        self.tail = nn.Conv2d(width, channels * scale**2, 3, padding=1)
        self.by_pixel = by_pixel
        boundless = NetworkTraits(
            scale=scale, in_channels=channels, out_channels=channels, halo=None
        )
        self.traits = counted_traits(self, scale, channels) if by_pixel else boundless

    @property
    def architecture(self) -> str:
        """Name with width, blocks and kernel."""
        first = self.blocks[0]
        assert isinstance(first, PlkBlock)
        size = f"{self.head.out_channels}x{len(self.blocks)} kernel {first.large.kernel_size[0]}"
        return f"RealPLKSR {size}" + (" layer norm" if self.by_pixel else "")

    def residual(self, centred: Tensor) -> Tensor:
        """See ``DifferenceNet.residual``."""
        out: Tensor = self.tail(self.blocks(self.head(centred)))
        return out


class SampledPlksr(StatedNet):
    """A RealPLKSR whose picture is sampled where the network says, in place of the shuffle."""

    casts = True  # what is added to nearest neighbours is rounded, the picture is not

    def __init__(self, net: RealPlksr) -> None:
        super().__init__()
        self.net = net
        inner = net.traits
        self.sampler = DySample(inner.in_channels, inner.scale)
        self.traits = NetworkTraits(
            scale=inner.scale, in_channels=inner.in_channels, out_channels=inner.in_channels,
            halo=None,
        )  # fmt: skip

    @property
    def architecture(self) -> str:
        """Name of the network, and how it makes its picture."""
        return f"{self.net.architecture} DySample"

    @property
    def shuffle(self) -> int:
        """1: the network makes its picture itself."""
        return 1

    def phase(self, x: Tensor) -> Tensor:
        """Map [N, C, H, W] in [0, 1] -> [N, C, s*H, s*W], about [0, 1], not clamped."""
        difference = self.net.residual(x.to(self.net.tail.weight.dtype))
        phases = torch.add(difference, x.float().repeat_interleave(self.scale**2, dim=1))
        out: Tensor = self.sampler(phases)
        return out


def recognise_plksr(tensors: Mapping[str, Tensor]) -> StatedNet | None:
    """Return the network of ``tensors``; None where they are of another architecture.

    Raises Misfit for tensors that are nearly, but not, such a network.
    """
    numbers = {int(match[1]) for name in tensors if (match := BLOCK.fullmatch(name))}
    if not numbers or not all(name in tensors and tensors[name].ndim == 4 for name in NEEDED):
        return None
    blocks = len(numbers)
    if numbers != set(range(1, blocks + 1)) or blocks > MOST_BLOCKS:
        raise Misfit(f"RealPLKSR of {blocks} blocks that do not follow each other")
    last = f"feats.{blocks + 2}"  # a dropout, which has no weights, lies between
    head, tail = tensors["feats.0.weight"], tensors.get(f"{last}.weight")
    if tail is None:
        raise Misfit(f"RealPLKSR of {blocks} blocks without the layer {last}")
    width, channels = head.shape[:2]
    part, _, kernel, _ = tensors["feats.1.lk.conv.weight"].shape
    scale = side_of(tail.shape[0], channels)
    if channels not in (1, 3) or scale is None:
        raise Misfit(f"RealPLKSR of {channels} channels in and {tail.shape[0]} before the shuffle")
    if kernel % 2 == 0 or part > width or width % GROUPS:
        raise Misfit(f"RealPLKSR of {width} channels, {part} of them under {kernel}x{kernel}")
    attends, by_pixel = (f"feats.1.{name}.weight" in tensors for name in ("attn.f.0", "layer_norm"))
    renamed = {_renamed(name, last): (name, tensor) for name, tensor in tensors.items()}
    if len(renamed) != len(tensors):
        raise Misfit(f"RealPLKSR of {blocks} blocks with two tensors for one layer")
    with torch.device("meta"):
        inner = RealPlksr(
            channels, width, blocks, part, kernel, scale, attends=attends, by_pixel=by_pixel
        )
        sampled = any(name.startswith("sampler.") for name in renamed)
        net = SampledPlksr(inner) if sampled else inner
    if sampled:
        renamed = {n if n.startswith("sampler.") else f"net.{n}": t for n, t in renamed.items()}
    fill(net, net.architecture, renamed)
    return net


def _renamed(name: str, last: str) -> str:
    """Return our name of a tensor; the name itself for one that no such network has."""
    prefix, _, leaf = name.rpartition(".")
    if prefix in ("feats.0", last):
        return f"{'head' if prefix == 'feats.0' else 'tail'}.{leaf}"
    if name.startswith("to_img."):
        return f"sampler.{name.removeprefix('to_img.')}"
    match = re.fullmatch(r"feats\.(\d+)\.(.+)", prefix)
    ours = LAYERS.get(match[2]) if match else None
    return name if match is None or ours is None else f"blocks.{int(match[1]) - 1}.{ours}.{leaf}"
