"""The last picture of a stream, kept to be shown again, and the dark one that takes its place."""

from __future__ import annotations

from dataclasses import replace

import torch

from vidsr.picture.conversion import quantization, quantize_chroma, quantize_luma
from vidsr.picture.frame import Frame, VideoFormat

BARS = 8  # dark diagonal bars across the slate, so that nobody takes it for a black picture


class KeptPicture:
    """A copy of the last picture that was shown, in memory that is used again."""

    def __init__(self) -> None:
        self._frame: Frame | None = None

    @property
    def frame(self) -> Frame | None:
        """The picture, None before the first. Valid until the next ``keep``."""
        return self._frame

    def keep(self, frame: Frame) -> None:
        """Copy the planes of ``frame``."""
        kept = self._frame
        if kept is None or kept.format != frame.format:
            planes = tuple(torch.empty_like(plane, device="cpu") for plane in frame.planes)
            kept = Frame(planes, frame.format)
        for copy, plane in zip(kept.planes, frame.planes, strict=True):
            copy.copy_(plane)
        self._frame = replace(kept, pts=frame.pts, duration=frame.duration)


def copy_of(frame: Frame) -> Frame:
    """Return a frame with planes of its own."""
    planes = tuple(plane.detach().to("cpu", copy=True) for plane in frame.planes)
    return Frame(planes, frame.format, frame.pts, frame.duration)


def slate(layout: VideoFormat) -> Frame:
    """Return a dark picture with bars of another dark, for a stream whose source is gone."""
    quant, dtype = quantization(layout), layout.pixel.dtype
    planes = []
    for index, (height, width) in enumerate(layout.plane_sizes):
        if index and layout.pixel.family == "yuv":
            planes.append(quantize_chroma(torch.zeros(height, width), quant, dtype))
            continue
        bar = max(1, width // BARS)
        places = (torch.arange(width)[None, :] + torch.arange(height)[:, None]) // bar
        planes.append(quantize_luma(0.06 + 0.06 * (places % 2), quant, dtype))
    return Frame(tuple(planes), layout)
