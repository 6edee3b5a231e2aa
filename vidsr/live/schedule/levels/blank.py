"""Grey frames, on which levels are warmed."""

from __future__ import annotations

import torch

from vidsr.picture.frame import Frame, VideoFormat


def blank(source: VideoFormat, share: float = 0.5) -> Frame:
    """Return a frame of all planes, of which every sample is ``share`` of the greatest."""
    value = int(share * (1 << source.pixel.depth))
    dtype = source.pixel.dtype
    planes = [torch.full(size, value, dtype=torch.int32).to(dtype) for size in source.plane_sizes]
    return Frame(tuple(planes), source, 0, 0)
