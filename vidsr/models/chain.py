"""A restorer before an enlarger, as one network: tiles, memory and precision follow from both."""

from __future__ import annotations

import math
from dataclasses import replace

import torch
from torch import Tensor, nn

from vidsr.errors import OptionError
from vidsr.models.checkpoint import Generator
from vidsr.models.model import Model, traits_of
from vidsr.models.networks.plain_net import PlainNet
from vidsr.models.networks.srresnet import SRResNet
from vidsr.models.networks.traits import NetworkTraits
from vidsr.picture.size import Size

LUMA = (0.2126, 0.7152, 0.0722)  # only divides a picture into two parts, which are joined again
CUBIC_REACH = 3  # pixels that the chroma of a network on luma looks around


def restored_model(restorer: Model, enlarger: Model) -> Model:
    """Return a model that runs ``restorer``, then ``enlarger`` on its clamped picture.

    Networks for coded footage of either are left out: the first sees what no codec has made.
    Raises OptionError for a restorer that does not keep the size.
    """
    if restorer.scale != 1:
        raise OptionError(
            f"restore = {restorer.name}: expected a model that keeps the size, "
            f"got one that upscales {restorer.scale} times.",
            hint="give it as `model`, or leave `restore` out.",
        )
    chain = Chain(restorer.module, enlarger.module)
    title = f"{restorer.name} before {enlarger.name}"
    return Model(
        f"{restorer.name}+{enlarger.name}",
        PlainNet(chain, chain.traits(), title),
        enlarger.path,
        file_format=enlarger.file_format,
        licence=enlarger.licence,
        others=(restorer.path,),
    )


class Chain(nn.Module):
    """Two generators in a row. Where one works on luma and one on RGB, the picture is RGB."""

    def __init__(self, restorer: Generator, enlarger: Generator) -> None:
        super().__init__()
        self.restorer, self.enlarger = restorer, enlarger
        ends = traits_of(restorer), traits_of(enlarger)
        self.channels = max(end.in_channels for end in ends)
        self.scale = ends[1].scale

    def traits(self) -> NetworkTraits:
        """Return facts about both together."""
        first, second = traits_of(self.restorer), traits_of(self.enlarger)
        halo = None
        if first.halo is not None and second.halo is not None:
            around_luma = CUBIC_REACH if second.in_channels < self.channels else 0
            halo = first.halo + max(second.halo, around_luma)
        least = (
            max(getattr(first.minimum, side), getattr(second.minimum, side))
            for side in ("width", "height")
        )
        known = tuple(dtype for dtype in first.dtypes if dtype in second.dtypes)
        return replace(
            second,
            in_channels=self.channels,
            out_channels=self.channels,
            halo=halo,
            alignment=math.lcm(first.alignment, second.alignment),
            multiple=math.lcm(
                first.multiple or first.alignment, second.multiple or second.alignment
            ),
            minimum=Size(*least),
            square=first.square or second.square,
            tiling=first.tiling and second.tiling,
            dtypes=known,
        )

    def forward(self, x: Tensor) -> Tensor:
        """Map [N, C, H, W] in [0, 1] -> [N, C, s*H, s*W], about [0, 1]."""
        return _through(self.enlarger, _through(self.restorer, x, 1).clamp(0, 1), self.scale)


def _through(net: Generator, x: Tensor, scale: int) -> Tensor:
    """Return the picture that ``net`` makes of ``x``, of as many channels as ``x``."""
    if traits_of(net).in_channels == x.shape[1]:
        return _picture(net, x)
    weights = torch.tensor(LUMA, device=x.device, dtype=x.dtype).view(1, 3, 1, 1)
    luma = (x * weights).sum(1, keepdim=True)
    rest = x - luma
    if scale > 1:
        rest = nn.functional.interpolate(rest, scale_factor=scale, mode="bicubic")
    return _picture(net, luma) + rest


def _picture(net: Generator, x: Tensor) -> Tensor:
    out: Tensor = net.to_unit(net(x)) if isinstance(net, SRResNet) else net(x)
    return out
