"""The layers of a foreign checkpoint: their kinds, and their running order told from names."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from torch import Tensor

from vidsr.errors import ModelError

Layer = dict[str, Tensor]


def layer_kind(layer: Layer) -> str:
    """Return ``conv``, ``norm``, ``prelu`` or ``other``, from the tensors a layer has."""
    weight = layer.get("weight")
    if "running_mean" in layer and "running_var" in layer:
        return "norm"
    if weight is not None and weight.ndim == 4:
        return "conv"
    return "prelu" if weight is not None and weight.ndim == 1 and len(layer) == 1 else "other"


def _natural(name: str) -> list[tuple[int, int | str]]:
    """Return a key that sorts "b.2" before "b.10"."""
    parts = re.split(r"(\d+)", name)
    return [(0, int(p)) if p.isdecimal() else (1, p) for p in parts]


def running_order(path: Path, layers: Mapping[str, Layer]) -> list[str]:
    """Return names sorted by their own numbers, or, where parts have names, by what they hold.

    Raises ModelError where several orders are possible.
    """
    names = sorted(layers, key=_natural)
    split = [name.split(".") for name in names]
    depth = 0
    while all(len(s) > depth + 1 for s in split) and len({s[depth] for s in split}) == 1:
        depth += 1
    part = {name: s[depth] for name, s in zip(names, split, strict=True)}
    if all(p.isdecimal() for p in part.values()):
        return names
    stems = {re.sub(r"\d+$", "", p) for p in part.values()}
    if len(stems) == 1:
        return names  # block1 ... block8
    ranks = _part_ranks(layers, part)
    if _is_ambiguous(layers, {name: ranks[p] for name, p in part.items()}):
        raise ModelError(
            f"{path}: the order of its layers cannot be told from their names",
            hint="use the .pth file, which keeps the order of definition",
        )
    return sorted(names, key=lambda n: ranks[part[n]])


def _is_ambiguous(layers: Mapping[str, Layer], ranks: Mapping[str, int]) -> bool:
    """Return True if layers beside the head and the join might belong elsewhere."""
    kinds = [(rank, layer_kind(layers[name])) for name, rank in ranks.items()]
    return kinds.count((0, "prelu")) > 1 or kinds.count((2, "norm")) > 1 or (2, "prelu") in kinds


def _part_ranks(layers: Mapping[str, Layer], part: Mapping[str, str]) -> dict[str, int]:
    """Return where each part runs: 0 head, 1 blocks, 2 join, 3 upsampling, 4 tail.

    A part with no convolution holds the head's PReLU or the join's normalisation.
    """
    held: dict[str, list[int]] = {}
    for name, layer in layers.items():
        ranks = held.setdefault(part[name], [])
        if layer_kind(layer) == "conv":
            out_channels, in_channels, k, _ = layer["weight"].shape
            edge = 0 if in_channels <= 3 else 4
            body = 1 if out_channels == in_channels else 3
            ranks.append(edge if k > 3 else body)
    kinds = {p: {layer_kind(layers[n]) for n in layers if part[n] == p} for p in held}
    out = {p: min(r) if r else (2 if "norm" in kinds[p] else 0) for p, r in held.items()}
    for p, r in held.items():
        if r == [1]:  # a lone 3x3 convolution between blocks and upsampling
            out[p] = 2
    return out
