"""ESRGAN's networks (RRDB) under the names that different trainers gave their tensors."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

import torch
from torch import Tensor, nn

from vidsr.models.foreign.refusal import Misfit, fill, side_of
from vidsr.models.networks.layers.padding import padded
from vidsr.models.networks.rrdb import SLOPE, RRDBlock
from vidsr.models.networks.stated_net import StatedNet, counted_traits

BLOCK_NAMES = (
    re.compile(r"model\.1\.sub\.(\d+)\.RDB([123])\.conv([1-5])\.0\.(weight|bias)"),
    re.compile(r"RRDB_trunk\.(\d+)\.RDB([123])\.conv([1-5])\.(weight|bias)"),
    re.compile(r"body\.(\d+)\.rdb([123])\.conv([1-5])\.(weight|bias)"),
)
HEAD = ("model.0", "conv_first")
JOIN = ("trunk_conv", "conv_body")
REFINE = ("HRconv", "conv_hr")
TAIL = ("conv_last",)
UPSAMPLE = re.compile(r"(?:upconv|conv_up)(\d)")
OLD_LAYER = re.compile(r"model\.(\d+)")
MOST_BLOCKS = 128


class Esrgan(StatedNet):
    """ESRGAN's generator with any width, depth and growth, for scales of 1 to 16.

    Networks of smaller scale run on a grid ``unshuffle`` times as coarse, as Real-ESRGAN's do.
    Sizes that are no multiple of that are reached by mirroring at the border.
    """

    def __init__(
        self, channels: int, width: int, growth: int, blocks: int, doublings: int, unshuffle: int
    ) -> None:
        super().__init__()
        self.unshuffle = nn.PixelUnshuffle(unshuffle) if unshuffle > 1 else nn.Identity()
        self.head = nn.Conv2d(channels * unshuffle**2, width, 3, padding=1)
        self.blocks = nn.Sequential(*(RRDBlock(width, growth) for _ in range(blocks)))
        self.join = nn.Conv2d(width, width, 3, padding=1)
        self.upsample = nn.Sequential()
        for _ in range(doublings):
            self.upsample.append(nn.Upsample(scale_factor=2, mode="nearest"))
            self.upsample.append(nn.Conv2d(width, width, 3, padding=1))
            self.upsample.append(nn.LeakyReLU(SLOPE, inplace=True))
        self.refine = nn.Conv2d(width, width, 3, padding=1)
        self.tail = nn.Conv2d(width, channels, 3, padding=1)
        self.step = unshuffle
        self.traits = counted_traits(self, 2**doublings // unshuffle, channels)

    @property
    def architecture(self) -> str:
        """Name with width and blocks, as people write them."""
        coarse = f" unshuffle {self.step}" if self.step > 1 else ""
        return f"ESRGAN {self.join.in_channels}x{len(self.blocks)}{coarse}"

    @property
    def shuffle(self) -> int:
        """1: the last layers are at full resolution."""
        return 1

    def phase(self, x: Tensor) -> Tensor:
        """Map [N, C, H, W] in [0, 1] -> [N, C, s*H, s*W], about [0, 1], not clamped."""
        height, width = x.shape[2:]
        if self.step > 1:
            x = self.unshuffle(padded(x, -height % self.step, -width % self.step))
        head = self.head(x)
        h = self.upsample(head + self.join(self.blocks(head)))
        out: Tensor = self.tail(nn.functional.leaky_relu(self.refine(h), SLOPE, inplace=True))
        return out[..., : height * self.scale, : width * self.scale] if self.step > 1 else out


def recognise_esrgan(tensors: Mapping[str, Tensor]) -> StatedNet | None:
    """Return the network of ``tensors``; None where they are of another architecture.

    Raises Misfit for tensors that are nearly, but not, such a network.
    """
    theirs = _our_names(tensors)
    renamed = {ours: tensors[name] for ours, name in theirs.items()}
    if not _is_whole(renamed) or len(renamed) != len(tensors):
        return None
    head, tail = renamed["head.weight"], renamed["tail.weight"]
    first = renamed["blocks.0.blocks.0.convs.0.weight"]
    blocks = 1 + max(int(n.split(".")[1]) for n in renamed if n.startswith("blocks."))
    doublings = sum(n.startswith("upsample.") and n.endswith(".weight") for n in renamed)
    channels, width = tail.shape[0], head.shape[0]
    unshuffle = side_of(head.shape[1], channels)
    if channels not in (1, 3) or unshuffle is None or 2**doublings % unshuffle:
        raise Misfit(
            f"ESRGAN of {head.shape[1]} channels in, {channels} out, {2**doublings} times larger"
        )
    if blocks > MOST_BLOCKS or doublings > 4:
        raise Misfit(f"ESRGAN of {blocks} blocks, {2**doublings} times larger")
    with torch.device("meta"):
        net = Esrgan(channels, width, first.shape[0], blocks, doublings, unshuffle)
    fill(net, net.architecture, {n: (theirs[n], tensor) for n, tensor in renamed.items()})
    return net


def _our_names(tensors: Mapping[str, Tensor]) -> dict[str, str]:
    """Return the names of the file by ours, of those tensors that have one."""
    layers = dict(_layer_names(tensors))
    ours = {}
    for name in tensors:
        prefix, _, leaf = name.rpartition(".")
        if (block := _block_name(name)) is not None:
            ours[block] = name
        elif prefix in layers:
            ours[f"{layers[prefix]}.{leaf}"] = name
    return ours


def _is_whole(renamed: Mapping[str, Tensor]) -> bool:
    """Return True if all parts of the network are there."""
    parts = ("head.weight", "join.weight", "refine.weight", "tail.weight")
    needed = (*parts, "blocks.0.blocks.0.convs.0.weight")
    return all(name in renamed and renamed[name].ndim == 4 for name in needed)


def _block_name(name: str) -> str | None:
    """Return our name of a tensor inside blocks."""
    for pattern in BLOCK_NAMES:
        if match := pattern.fullmatch(name):
            block, dense, conv, leaf = match.groups()
            return f"blocks.{block}.blocks.{int(dense) - 1}.convs.{int(conv) - 1}.{leaf}"
    return None


def _layer_names(tensors: Mapping[str, Tensor]) -> Iterator[tuple[str, str]]:
    """Yield their names and ours of the layers outside blocks."""
    prefixes = {name.rpartition(".")[0] for name in tensors}
    numbered = [int(m[1]) for p in prefixes if (m := OLD_LAYER.fullmatch(p)) and int(m[1]) > 1]
    old = sorted(numbered)
    for prefix in prefixes:
        for ours, theirs in zip(
            ("head", "join", "refine", "tail"), (HEAD, JOIN, REFINE, TAIL), strict=True
        ):
            if prefix in theirs:
                yield prefix, ours
        if match := UPSAMPLE.fullmatch(prefix):
            yield prefix, f"upsample.{3 * (int(match[1]) - 1) + 1}"
        if re.fullmatch(r"model\.1\.sub\.\d+", prefix):
            yield prefix, "join"
    for place, number in enumerate(old):
        left = len(old) - place
        ours = {1: "tail", 2: "refine"}.get(left, f"upsample.{3 * place + 1}")
        yield f"model.{number}", ours
