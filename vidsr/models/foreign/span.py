"""SPAN networks: six blocks whose result weighs itself, their training branches folded."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from vidsr.models.foreign.refusal import Misfit, fill, side_of
from vidsr.models.networks.stated_net import StatedNet, counted_traits

BLOCKS = 6
MEAN = (0.4488, 0.4371, 0.4040)  # of the pictures it was published on, in no file
FULL_SCALE = 255.0


class SpanBlock(nn.Module):
    """Three 3x3 convolutions, and a sigmoid of the last that weighs it and the input."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.convs = nn.ModuleList(nn.Conv2d(width, width, 3, padding=1) for _ in range(3))

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Map [N, C, H, W] -> the result, and the first convolution's, activated.

        Published code activates that in place, so that what it joins later is activated, too.
        """
        first = nn.functional.silu(self.convs[0](x))
        second = nn.functional.silu(self.convs[1](first))
        third = self.convs[2](second)
        return (third + x) * (torch.sigmoid(third) - 0.5), first


class Span(StatedNet):
    """SPAN (Wan et al., 2023) of any width, for scales of 1 and more.

    Args:
        channels: Channels of the picture, 1 or 3.
        width: Channels of the features.
        scale: Factor of the last shuffle.
        centred: True where the input is centred on ``MEAN`` and counted in levels of 8 bits.
    """

    mean: Tensor
    casts = True  # bfloat16 has half a level of 8 bits near white, which 255 would multiply

    def __init__(self, channels: int, width: int, scale: int, *, centred: bool) -> None:
        super().__init__()
        self.head = nn.Conv2d(channels, width, 3, padding=1)
        self.blocks = nn.ModuleList(SpanBlock(width) for _ in range(BLOCKS))
        self.refine = nn.Conv2d(width, width, 3, padding=1)
        self.join = nn.Conv2d(4 * width, width, 1)
        self.tail = nn.Conv2d(width, channels * scale**2, 3, padding=1)
        self.centred = centred
        mean = torch.tensor(MEAN, device="cpu").view(1, 3, 1, 1)
        self.register_buffer("mean", mean, persistent=False)
        self.traits = counted_traits(self, scale, channels)

    @property
    def architecture(self) -> str:
        """Name with the width."""
        return f"SPAN {self.head.out_channels}"

    def phase(self, x: Tensor) -> Tensor:
        """See ``PhaseNet.phase``."""
        if self.centred:
            x = (x - self.mean.to(x.dtype)) * FULL_SCALE
        head = self.head(x.to(self.head.weight.dtype))
        made: list[tuple[Tensor, Tensor]] = []
        h = head
        for block in self.blocks:
            h, first = block(h)
            made.append((h, first))
        seen = torch.cat((head, self.refine(h), made[0][0], made[-1][1]), 1)
        out: Tensor = self.tail(self.join(seen))
        return out


def recognise_span(tensors: Mapping[str, Tensor]) -> StatedNet | None:
    """Return the network of ``tensors``; None where they are of another architecture.

    Raises Misfit for tensors that are nearly, but not, such a network.
    """
    needed = ("conv_1", *_block_layers(), "conv_2")
    prefixes = {name.split(".sk.")[0].split(".conv.")[0] for name in tensors}
    if not all(any(p == n or p.startswith(f"{n}.") for p in prefixes) for n in needed):
        return None
    if "upsampler.0.weight" not in tensors or "conv_cat.weight" not in tensors:
        return None
    tail, join = tensors["upsampler.0.weight"], tensors["conv_cat.weight"]
    head = folded(tensors, "conv_1")
    if head is None or head[0].ndim != 4 or join.ndim != 4 or tail.ndim != 4:
        return None
    width, channels = head[0].shape[:2]
    scale = side_of(tail.shape[0], channels)
    if channels not in (1, 3) or scale is None:
        raise Misfit(f"SPAN of {channels} channels in and {tail.shape[0]} before the shuffle")
    centred = "no_norm" not in tensors and channels == 3
    if not centred and channels == 1 and "no_norm" not in tensors:
        raise Misfit("SPAN of one channel that is centred on the mean of three")
    with torch.device("meta"):
        net = Span(channels, width, scale, centred=centred)
    fill(net, net.architecture, _renamed(tensors))
    return net


def _block_layers() -> list[str]:
    return [f"block_{b}.c{c}_r" for b in range(1, BLOCKS + 1) for c in (1, 2, 3)]


def _renamed(tensors: Mapping[str, Tensor]) -> dict[str, tuple[str, Tensor]]:
    """Return folded weights under our names, with those of the file."""
    ours = {"conv_1": "head", "conv_2": "refine"}
    for index, name in enumerate(_block_layers()):
        ours[name] = f"blocks.{index // 3}.convs.{index % 3}"
    out = {}
    for theirs, name in ours.items():
        pair = folded(tensors, theirs)
        if pair is None:
            raise Misfit(f"SPAN without the layer {theirs}")
        for leaf, tensor in zip(("weight", "bias"), pair, strict=True):
            out[f"{name}.{leaf}"] = f"{theirs}.{leaf}", tensor
    for theirs, name in (("conv_cat", "join"), ("upsampler.0", "tail")):
        for leaf in ("weight", "bias"):
            if f"{theirs}.{leaf}" in tensors:
                out[f"{name}.{leaf}"] = f"{theirs}.{leaf}", tensors[f"{theirs}.{leaf}"]
    return out


@torch.no_grad()
def folded(tensors: Mapping[str, Tensor], name: str) -> tuple[Tensor, Tensor] | None:
    """Return one 3x3 convolution for a layer of three in a row beside a skip, formed in float64.

    A layer that has only the folded form is returned as it is; None where there is neither.
    """
    parts = [f"{name}.conv.{n}" for n in range(3)] + [f"{name}.sk"]
    if not all(f"{part}.{leaf}" in tensors for part in parts for leaf in ("weight", "bias")):
        plain = tensors.get(f"{name}.eval_conv.weight"), tensors.get(f"{name}.eval_conv.bias")
        return None if plain[0] is None or plain[1] is None else (plain[0], plain[1])
    (w1, b1), (w2, b2), (w3, b3), (skip, skip_bias) = (
        (tensors[f"{part}.weight"].double(), tensors[f"{part}.bias"].double()) for part in parts
    )
    try:
        weight = torch.einsum("om,mnyx,ni->oiyx", w3[:, :, 0, 0], w2, w1[:, :, 0, 0])
        inner = torch.einsum("mnyx,n->m", w2, b1) + b2
        bias = w3[:, :, 0, 0] @ inner + b3 + skip_bias
        weight[:, :, 1:2, 1:2] += skip
    except (RuntimeError, IndexError) as error:
        raise Misfit(f"SPAN with a layer {name} whose parts do not fit each other") from error
    return weight.float(), bias.float()
