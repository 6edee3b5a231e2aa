"""Grey frames, on which levels are warmed."""

from __future__ import annotations

import torch

from vidsr.picture.frame import Frame, VideoFormat


def blank(source: VideoFormat) -> Frame:
    """Return a frame of middle grey, which has all planes of its format."""
    middle = 1 << (source.pixel.depth - 1)
    dtype = source.pixel.dtype
    planes = [torch.full(size, middle, dtype=torch.int32).to(dtype) for size in source.plane_sizes]
    return Frame(tuple(planes), source, 0, 0)
