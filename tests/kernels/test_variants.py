"""What vidsr launches is what is compiled ahead of time, with the same types and constants.

Run as a program, this file takes frames the fused way with kernels that only note how they are
launched: it needs Triton's own kernels, which the interpreter replaces where tests run.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import product
from typing import Any

import pytest
import torch
from torch import Tensor

pytest.importorskip("triton")

from vidsr.kernels.triton_kernels import (
    aot,
    pixel_shuffle,
    resample_chroma,
    shuffle_to_luma,
    shuffle_to_yuv,
    yuv_to_rgb,
)
from vidsr.picture.color import ColorSpec
from vidsr.picture.frame import PixelFormat, VideoFormat
from vidsr.upscaling import kernel_transform

COMPILER = {name: value for name, value in os.environ.items() if name != "TRITON_INTERPRET"}
SIZE = 16
FLOATS = (torch.float16, torch.float32)
PIXELS = [
    PixelFormat("yuv", 8, (2, 2)),
    PixelFormat("yuv", 8, (2, 1)),
    PixelFormat("yuv", 8),
    PixelFormat("gray", 8),
    PixelFormat("rgb", 8),
]


def identity(variant: aot.Variant) -> str:
    """All that makes Triton compile anew, but for what is known of alignment."""
    return repr((variant.kernel, variant.signature, variant.constexprs, variant.options))


class Recorder:
    """Stands for a kernel: ``recorder[grid](**arguments)`` notes the launch, and nothing runs."""

    def __init__(self, kernel: Any) -> None:
        self.kernel = kernel
        self.launched: set[str] = set()

    def __getitem__(self, grid: tuple[int, int, int]) -> Any:
        assert len(grid) == 3
        return self.launch

    def launch(self, **arguments: Any) -> None:
        names = {parameter.name for parameter in self.kernel.params}
        options = {name: value for name, value in arguments.items() if name not in names}
        self.launched.add(identity(aot.Variant.of("", self.kernel, arguments, options)))


@dataclass(frozen=True)
class Network:
    """Stands for an engine: what kernels see of it is the result, in any values."""

    channels: int
    shuffle: int
    input_dtype: torch.dtype
    output_dtype: torch.dtype
    order: torch.memory_format
    scale: int = 4
    offset: float = 0.5

    def run(self, x: Tensor) -> Tensor:
        assert x.dtype == self.input_dtype
        side = SIZE * self.scale // self.shuffle
        shape = (1, self.channels * self.shuffle**2, side, side)
        return torch.zeros(shape, dtype=self.output_dtype).contiguous(memory_format=self.order)


def networks() -> Iterator[Network]:
    """RRDB and SRCNN have no shuffle, SRResNet one by 2, the others one by their scale."""
    orders = (torch.channels_last, torch.contiguous_format)
    for choice in product((1, 3), (1, 2, 4), FLOATS, FLOATS, orders):
        yield Network(*choice)


def formats() -> Iterator[VideoFormat]:
    for pixel, depth in product(PIXELS, (8, 10)):
        color = ColorSpec(matrix=0 if pixel.family == "rgb" else 1, range=1)
        yield VideoFormat(SIZE, SIZE, replace(pixel, depth=depth), color)


def launch_all() -> None:
    """Every network on every format that fused takes with it, and to every depth."""
    for network, source, depth in product(networks(), formats(), (8, 10)):
        if network.channels == 1 and source.pixel.family == "rgb":
            continue
        large = SIZE * network.scale
        pixel = replace(source.pixel, depth=depth)
        target = replace(source, width=large, height=large, pixel=pixel)
        planes = tuple(torch.zeros(s, dtype=source.pixel.dtype) for s in source.plane_sizes)
        engine: Any = network
        kernel_transform.enlarge_planes(planes, source, target, engine, None)


def launch_chroma() -> None:
    """A luma network that enlarges less, and fewer chroma samples asked of it: longer steps."""
    engine: Any = Network(1, 2, *FLOATS[:1] * 2, torch.channels_last, scale=2)
    for old, new, depth, deep in product(PIXELS[:3], PIXELS[:3], (8, 10), (8, 10)):
        color = ColorSpec(matrix=1, range=1)
        source = VideoFormat(SIZE, SIZE, replace(old, depth=depth), color)
        target = VideoFormat(2 * SIZE, 2 * SIZE, replace(new, depth=deep), color)
        planes = tuple(torch.zeros(s, dtype=source.pixel.dtype) for s in source.plane_sizes)
        kernel_transform.enlarge_planes(planes, source, target, engine, None)


def listed(module: str, **constants: object) -> set[str]:
    """Variants of a module, of those constants only."""
    return {
        identity(variant)
        for variant in aot.variants_of(module).values()
        if constants.items() <= variant.constexprs.items()
    }


def main() -> None:
    """Print for each module how many launches are not listed, how many listed not launched."""
    # Callers may also ask for contiguous RGB and for semi-planar results; vidsr itself does not.
    known = {
        "yuv_to_rgb": listed("yuv_to_rgb", CHANNELS_LAST=True),
        "shuffle_to_yuv": listed("shuffle_to_yuv", SEMI_PLANAR=False),
        "shuffle_to_luma": listed("shuffle_to_luma"),
        "resample_chroma": listed("resample_chroma", SEMI_PLANAR=False),
        "pixel_shuffle": listed("pixel_shuffle"),
    }
    modules = [yuv_to_rgb, shuffle_to_yuv, shuffle_to_luma, resample_chroma, pixel_shuffle]
    names = ["rgb_kernel", "yuv_kernel", "_plane_kernel", "chroma_kernel", "_shuffle_kernel"]
    recorders = []
    for module, name in zip(modules, names, strict=True):
        recorders.append(Recorder(getattr(module, name)))
        setattr(module, name, recorders[-1])
    launch_all()
    launch_chroma()
    pixel_shuffle.pixel_shuffle(
        torch.zeros(1, 4, 1, 1), 2
    )  # as kernel_transform.has_kernels tries it
    pairs = zip(known.items(), recorders, strict=True)
    print(json.dumps({m: [len(r.launched - k), len(k - r.launched)] for (m, k), r in pairs}))


def test_what_is_launched_is_compiled_and_what_is_compiled_is_launched() -> None:
    process = subprocess.run(
        [sys.executable, __file__], env=COMPILER, capture_output=True, text=True, timeout=300
    )
    assert process.returncode == 0, process.stderr
    counts = json.loads(process.stdout)
    assert counts.pop("pixel_shuffle")[0] == 0  # of which vidsr launches one, to try
    assert set(counts) == {"yuv_to_rgb", "shuffle_to_yuv", "shuffle_to_luma", "resample_chroma"}
    assert all(count == [0, 0] for count in counts.values()), counts


if __name__ == "__main__":
    main()
