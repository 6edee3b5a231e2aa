"""Checkpoints as other trainers write them, with random weights."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

State = dict[str, Tensor]
HALF_TAG = 0x01306B47


def layer(made: int, read: int, kernel: int = 3, gain: float = 1.0) -> tuple[Tensor, Tensor]:
    """Return weight and bias of a convolution."""
    bound = gain / (read * kernel**2) ** 0.5
    return torch.randn(made, read, kernel, kernel) * bound, torch.randn(made) * 0.05


def compact(channels: int = 3, width: int = 8, convs: int = 2, scale: int = 4) -> State:
    """Return the state of a Compact network."""
    torch.manual_seed(scale + width + channels)
    sides = [channels] + [width] * (convs + 1)
    state: State = {}
    for place, (read, made) in enumerate(pairwise(sides)):
        state[f"body.{2 * place}.weight"], state[f"body.{2 * place}.bias"] = layer(made, read)
        state[f"body.{2 * place + 1}.weight"] = torch.rand(made) * 0.5
    last = 2 * convs + 2
    shuffled = channels * scale**2
    state[f"body.{last}.weight"], state[f"body.{last}.bias"] = layer(shuffled, width, gain=0.3)
    return state


def esrgan(
    names: str = "new",
    *,
    channels: int = 3,
    width: int = 8,
    growth: int = 4,
    blocks: int = 2,
    doublings: int = 2,
    unshuffle: int = 1,
) -> State:
    """Return the state of an ESRGAN under names that are ``old``, ``bsrgan`` or ``new``."""
    torch.manual_seed(blocks + doublings + unshuffle)
    last = 2 + 3 * doublings
    styles: dict[str, tuple[Any, ...]] = {
        "old": ("model.0", "model.1.sub.{b}.RDB{d}.conv{c}.0", f"model.1.sub.{blocks}",
                lambda n: f"model.{3 * n}", f"model.{last}", f"model.{last + 2}"),
        "bsrgan": ("conv_first", "RRDB_trunk.{b}.RDB{d}.conv{c}", "trunk_conv",
                   lambda n: f"upconv{n}", "HRconv", "conv_last"),
        "new": ("conv_first", "body.{b}.rdb{d}.conv{c}", "conv_body",
                lambda n: f"conv_up{n}", "conv_hr", "conv_last"),
    }  # fmt: skip
    head, block, join, up, refine, tail = styles[names]
    shapes = [(head, width, channels * unshuffle**2)]
    for b in range(blocks):
        for d in (1, 2, 3):
            for c in range(1, 6):
                name = block.format(b=b, d=d, c=c)
                shapes.append((name, growth if c < 5 else width, width + (c - 1) * growth))
    shapes.append((join, width, width))
    shapes += [(up(n), width, width) for n in range(1, doublings + 1)]
    shapes += [(refine, width, width), (tail, channels, width)]
    state: State = {}
    for name, made, read in shapes:
        state[f"{name}.weight"], state[f"{name}.bias"] = layer(made, read)
    return state


def plksr(
    width: int = 8,
    blocks: int = 2,
    scale: int = 2,
    kernel: int = 7,
    *,
    attends: bool = True,
    by_pixel: bool = False,
    sampled: bool = False,
) -> State:
    """Return the state of a RealPLKSR network."""
    torch.manual_seed(width + blocks + scale)
    part, features = width // 2, 3 * scale**2
    shapes = [("feats.0", width, 3, 3)]
    for b in range(1, blocks + 1):
        shapes += [(f"feats.{b}.channel_mixer.0", 2 * width, width, 3)]
        shapes += [(f"feats.{b}.channel_mixer.2", width, 2 * width, 3)]
        shapes += [(f"feats.{b}.lk.conv", part, part, kernel)]
        shapes += [(f"feats.{b}.attn.f.0", width, width, 3)] * attends
        shapes += [(f"feats.{b}.refine", width, width, 1)]
    shapes += [(f"feats.{blocks + 2}", features, width, 3)]
    state: State = {}
    for name, made, read, side in shapes:
        state[f"{name}.weight"], state[f"{name}.bias"] = layer(made, read, side)
    for b in range(1, blocks + 1):
        norm = f"feats.{b}.layer_norm" if by_pixel else f"feats.{b}.norm"
        state[f"{norm}.weight"] = torch.rand(width) * 0.2
        state[f"{norm}.bias"] = torch.randn(width) * 0.05
    if sampled:
        state |= _dysample(features, scale)
    return state


def _dysample(features: int, scale: int) -> State:
    """Return the state of a DySample at the end of a network."""
    groups = 3 if scale % 2 else 4
    places = 2 * groups * scale**2
    state: State = {}
    state["to_img.offset.weight"], state["to_img.offset.bias"] = layer(places, features, 1)
    state["to_img.scope.weight"], _ = layer(places, features, 1)
    if scale > 1:
        state["to_img.end_conv.weight"], state["to_img.end_conv.bias"] = layer(3, features, 1)
    step = (torch.arange(scale) - (scale - 1) / 2) / scale
    down, across = torch.meshgrid(step, step, indexing="ij")
    both = [place.repeat(groups, 1).reshape(-1) for place in (across, down)]
    state["to_img.init_pos"] = torch.cat(both).view(1, -1, 1, 1)
    return state


def span(width: int = 8, scale: int = 2, *, norm: bool = True) -> State:
    """Return the state of a SPAN network with its training branches."""
    torch.manual_seed(width + scale)
    state: State = {}
    layers = [("conv_1", width, 3), ("conv_2", width, width)]
    layers += [(f"block_{b}.c{c}_r", width, width) for b in range(1, 7) for c in (1, 2, 3)]
    for name, made, read in layers:
        parts = [("sk", made, read, 1), ("conv.0", 2 * read, read, 1)]
        parts += [("conv.1", 2 * made, 2 * read, 3), ("conv.2", made, 2 * made, 1)]
        for part, o, i, k in (*parts, ("eval_conv", made, read, 3)):
            gain = 0.02 if name == "conv_1" and part in ("sk", "conv.0") else 1.0
            weight, bias = layer(o, i, k, gain)
            state[f"{name}.{part}.weight"], state[f"{name}.{part}.bias"] = weight, bias
    state["conv_cat.weight"], state["conv_cat.bias"] = layer(width, 4 * width, 1)
    state["upsampler.0.weight"], state["upsampler.0.bias"] = layer(3 * scale**2, width)
    if not norm:
        state["no_norm"] = torch.zeros(1)
    return state


def write_ncnn(
    stem: Path, lines: Sequence[str], weights: Sequence[Tensor], *, half: bool = True
) -> Path:
    """Write a graph and its weights; those of four dimensions are tagged. Return the ``.param``."""
    blobs = sum(len(line.split()) for line in lines)
    text = "\n".join(["7767517", f"{len(lines)} {blobs}", *lines, ""])
    stem.with_suffix(".param").write_text(text)
    data = b""
    for weight in weights:
        if weight.ndim == 4:
            data += struct.pack("<I", HALF_TAG if half else 0)
        numbers = weight.numpy().astype("<f2" if half and weight.ndim == 4 else "<f4").tobytes()
        data += numbers + bytes(-len(numbers) % 4)
    stem.with_suffix(".bin").write_bytes(data)
    return stem.with_suffix(".param")


def conv_line(read: str, made: str, weight: Tensor, activation: str = "") -> str:
    """Return the line of a 3x3 convolution."""
    o, _, k, _ = weight.shape
    settings = f"0={o} 1={k} 4=1 5=1 6={weight.numel()}"
    return f"Convolution c_{made} 1 1 {read} {made} {settings} {activation}".strip()


def ncnn_compact(stem: Path, state: State, scale: int, *, half: bool = True, end: str = "") -> Path:
    """Write a Compact network as ncnn's files; ``end`` is a line that reads ``sum``."""
    count = len({name.split(".")[1] for name in state})
    lines, weights, blob = ["Input in 0 1 data", "Split s 1 2 data a b"], [], "a"
    for place in range(count):
        weight = state[f"body.{place}.weight"]
        weights.append(weight)
        if weight.ndim == 4:
            lines.append(conv_line(blob, f"v{place}", weight))
            weights.append(state[f"body.{place}.bias"])
        else:
            lines.append(f"PReLU p{place} 1 1 {blob} v{place} 0={len(weight)}")
        blob = f"v{place}"
    lines.append(f"PixelShuffle d 1 1 {blob} large 0={scale}")
    lines.append(f"Interp i 1 1 b near 0=1 1={scale}.000000e+00 2={scale}.000000e+00")
    lines.append("BinaryOp add 2 1 large near sum")
    return write_ncnn(stem, [*lines, *([end] if end else [])], weights, half=half)


def ncnn_esrgan(stem: Path, state: State, blocks: int) -> Path:
    """Write an ESRGAN under ``new`` names, four times larger, as ncnn's files."""
    leaky = "9=2 -23310=1,2.000000e-01"
    lines, weights = ["Input in 0 1 data"], []

    def conv(name: str, read: str, activation: str = "") -> str:
        weight = state[f"{name}.weight"]
        lines.append(conv_line(read, name, weight, activation))
        weights.extend([weight, state[f"{name}.bias"]])
        return name

    def add(part: str, whole: str, factor: str, made: str) -> str:
        lines.append(f"Eltwise e_{made} 2 1 {part} {whole} {made} 0=1 -23301=2,{factor},1.0")
        return made

    head = h = conv("conv_first", "data")
    for b in range(blocks):
        block = h
        for d in (1, 2, 3):
            seen = [h]
            for c in range(1, 6):
                name = f"body.{b}.rdb{d}.conv{c}"
                read = seen[0]
                if len(seen) > 1:
                    read = f"cat_{name}"
                    lines.append(f"Concat k_{name} {len(seen)} 1 {' '.join(seen)} {read}")
                seen.append(conv(name, read, leaky if c < 5 else ""))
            h = add(seen[-1], h, "2.0e-01", f"d{b}_{d}")
        h = add(h, block, "2.0e-01", f"r{b}")
    lines.append(f"BinaryOp join 2 1 {head} {conv('conv_body', h)} joined")
    h = "joined"
    for n in (1, 2):
        lines.append(f"Interp u{n} 1 1 {h} up{n} 0=1 1=2.0e+00 2=2.0e+00")
        h = conv(f"conv_up{n}", f"up{n}", leaky)
    conv("conv_last", conv("conv_hr", h, leaky))
    return write_ncnn(stem, lines, weights, half=False)


def as_half(state: State) -> State:
    """Return 4-dimensional weights rounded to float16, as ncnn stores them."""
    return {n: t.half().float() if t.ndim == 4 else t for n, t in state.items()}


def gradient(channels: int, width: int, height: int) -> Tensor:
    """Return a smooth picture [1, C, H, W] in [0, 1] with some noise."""
    rng = np.random.default_rng(width * height)
    across = np.linspace(0, 1, width)[None, :] * np.linspace(1, 0.3, height)[:, None]
    noise = rng.random((channels, height, width)) * 0.3
    return torch.from_numpy((across * 0.7 + noise).astype(np.float32))[None]
