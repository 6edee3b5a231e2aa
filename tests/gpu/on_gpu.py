"""Place where the tests of this folder run: a CUDA device, or a CPU for a rehearsal in small sizes.

``VIDSR_GPU_REHEARSAL=1`` runs on a CPU all that does not need CUDA itself, so that no mistake waits
for a machine with a GPU. ``VIDSR_REQUIRE_CUDA=1`` makes a machine without one a failure.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Literal, TypeVar

import pytest
import torch
from torch import Tensor

from vidsr.engines.engine import Engine
from vidsr.engines.pytorch.cuda_graphs import KEPT_SHAPES, GraphedEngine
from vidsr.picture.color import ColorSpec
from vidsr.picture.frame import Frame, PixelFormat, VideoFormat

T = TypeVar("T")

REHEARSAL = not torch.cuda.is_available() and bool(os.environ.get("VIDSR_GPU_REHEARSAL"))
DEVICE = torch.device("cpu" if REHEARSAL else "cuda")
PRECISION: Literal["fp32", "auto"] = "fp32" if REHEARSAL else "auto"
cuda_only = pytest.mark.skipif(REHEARSAL, reason="needs CUDA itself")
two_gpus = pytest.mark.skipif(torch.cuda.device_count() < 2, reason="needs two CUDA devices")


def skip_without_cuda() -> None:
    """Skip the module that asks, unless CUDA is there, required, or rehearsed."""
    wanted = REHEARSAL or os.environ.get("VIDSR_REQUIRE_CUDA")
    if not torch.cuda.is_available() and not wanted:
        pytest.skip("no CUDA device", allow_module_level=True)


def pick(full: T, small: T) -> T:
    """Return the size for a GPU, or the one for the rehearsal."""
    return small if REHEARSAL else full


def synchronize() -> None:
    if not REHEARSAL:
        torch.cuda.synchronize()


def replayed(work: Callable[[], Tensor]) -> tuple[Tensor, Callable[[], None]]:
    """Stand in for a captured graph in a rehearsal."""
    output = work().clone()

    def replay() -> None:
        output.copy_(work())

    return output, replay


def graphed(engine: Engine, *, kept: int = KEPT_SHAPES) -> GraphedEngine:
    return GraphedEngine(engine, capture=replayed if REHEARSAL else None, kept=kept)


def smooth(shape: tuple[int, ...], seed: int = 0) -> Tensor:
    """Draw ``[N, C, H, W]`` in [0, 1] on the CPU: clouds with edges, as pictures have them."""
    generator = torch.Generator().manual_seed(seed)
    n, c, h, w = shape
    coarse = torch.rand((n, c, h // 8 + 2, w // 8 + 2), generator=generator)
    fine = torch.nn.functional.interpolate(coarse, (h, w), mode="bicubic", align_corners=False)
    steps = (torch.arange(w) // 16 % 2) * 0.25
    return (0.7 * fine + steps).clamp(0, 1)


def layout(
    width: int, height: int, depth: int = 8, subsampling: tuple[int, int] = (2, 2), matrix: int = 1
) -> VideoFormat:
    pixel = PixelFormat("yuv", depth, subsampling)
    return VideoFormat(width, height, pixel, ColorSpec(matrix=matrix, range=1))


def frame(form: VideoFormat, number: int) -> Frame:
    """Draw a picture on the host whose pts is ``7 * number``; chroma is near neutral."""
    top = 2**form.pixel.depth - 1
    planes = []
    for index, (h, w) in enumerate(form.plane_sizes):
        values = smooth((1, 1, h, w), seed=3 * number + index)[0, 0]
        values = values * 0.8 + 0.1 if index == 0 else values * 0.3 + 0.35
        planes.append((values * top).round().to(torch.int32).to(form.pixel.dtype))
    return Frame(tuple(planes), form, pts=7 * number)
