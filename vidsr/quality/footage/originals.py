"""Originals of footage: some frames of a clip, and their small version made by bicubic."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path

import torch
from torch import Tensor

from vidsr.errors import InputError
from vidsr.notes import Notes
from vidsr.picture import conversion
from vidsr.picture.chroma import Components, chroma_planes, components, with_weights
from vidsr.picture.color import RANGE_FULL, RANGE_LIMITED
from vidsr.picture.frame import Frame, PixelFormat, VideoFormat
from vidsr.picture.resample import resample
from vidsr.picture.size import Size
from vidsr.video.source.file_source import FileSource

PIXEL = PixelFormat("yuv", 8, (2, 2))


@dataclass(frozen=True)
class Clip:
    """Part of a video: ``frames`` of them, from ``start_s`` on; None for all of them.

    ``notes`` keep what was said of it, so that it is said once however often it is read.
    """

    path: Path
    start_s: float = 0.0
    frames: int | None = None
    notes: Notes = field(default_factory=Notes, compare=False)

    @property
    def name(self) -> str:
        return f"{self.path.name} at {self.start_s:g} s" if self.start_s else self.path.name


@dataclass(frozen=True)
class Original:
    """Frames of a clip and the same frames shrunk, all 8-bit 4:2:0."""

    name: str
    large: tuple[Frame, ...]
    small: tuple[Frame, ...]


def open_clip(clip: Clip) -> FileSource:
    """Open the source as the command does. Raises InputError."""
    return FileSource(clip.path, start_s=clip.start_s or None, notes=clip.notes)


def frames_of(clip: Clip) -> Iterator[Frame]:
    """Yield the frames of a clip. Raises InputError."""
    with open_clip(clip) as source:
        frames = (item for item in source if isinstance(item, Frame))
        yield from islice(frames, clip.frames)


def small_size(layout: VideoFormat, scale: int) -> Size:
    """Return the size of a small version: even, as encoders of 4:2:0 take it."""
    return Size(*(side // (2 * scale) * 2 for side in (layout.width, layout.height)))


def check_clip(clip: Clip, scale: int, least_px: int) -> Size:
    """Return the size of the small version of a clip.

    Raises InputError for one that cannot be read, or is smaller than ``least_px`` both ways.
    """
    with open_clip(clip) as source:
        layout = source.info.format
    small = small_size(layout, scale)
    if min(small.width, small.height) * scale < max(least_px, 2 * scale):
        raise InputError(
            f"{clip.path}: {layout.width}x{layout.height} is too small for a scale of {scale}",
            hint=f"{least_px + 2 * scale}x{least_px + 2 * scale} is enough.",
        )
    return small


def read_original(clip: Clip, scale: int) -> Original:
    """Read a clip, cut it to a multiple of twice the scale, and shrink it.

    Args:
        clip: The frames to read.
        scale: How many times smaller the small version is.

    Raises:
        InputError: The clip cannot be read.
    """
    large, small = [], []
    for frame in frames_of(clip):
        cut = _cut(frame, 2 * scale)
        parts = components(cut)
        large.append(_planes(parts, cut.format, Size(cut.format.width, cut.format.height)))
        small.append(_planes(parts, cut.format, small_size(cut.format, scale)))
    return Original(clip.name, tuple(large), tuple(small))


def levels(frame: Frame) -> Tensor:
    """Return the luma ``[h, w]`` of a frame in levels of 8 bits: uint8, or float for more bits."""
    pixel = frame.format.pixel
    if pixel.family == "rgb":
        return 16 + 219 * components(frame).luma
    luma = frame.planes[0]
    return luma if pixel.depth == 8 else luma.float() / 2 ** (pixel.depth - 8)


def _cut(frame: Frame, multiple: int) -> Frame:
    """Leave out columns and rows, right and below, beyond a multiple."""
    layout = frame.format
    width, height = (side // multiple * multiple for side in (layout.width, layout.height))
    cut = replace(layout, width=width, height=height)
    planes = zip(frame.planes, cut.plane_sizes, strict=True)
    return replace(frame, format=cut, planes=tuple(p[:h, :w] for p, (h, w) in planes))


def _planes(parts: Components, source: VideoFormat, size: Size) -> Frame:
    """Return a frame of ``size`` made of luma and chroma, each resampled on its own."""
    target = with_weights(_target(source, size))
    quant = conversion.quantization(target)
    luma = parts.luma
    if (size.height, size.width) != tuple(luma.shape):
        luma = _shrunk(luma, size)
    plane = conversion.quantize_luma(luma, quant, torch.uint8)
    return Frame((plane, *chroma_planes(parts, target, quant)), target)


def _target(source: VideoFormat, size: Size) -> VideoFormat:
    """Return 8-bit 4:2:0 in the colours of the source, whose RGB is split by BT.601."""
    color = source.color
    if source.pixel.family == "rgb":
        color = replace(color, matrix=6, range=RANGE_LIMITED)
    elif color.range != RANGE_FULL:
        color = replace(color, range=RANGE_LIMITED)
    return VideoFormat(size.width, size.height, PIXEL, color)


def _shrunk(luma: Tensor, size: Size) -> Tensor:
    step = luma.shape[1] // size.width
    origin = (step - 1) / 2
    kept = resample(luma[None, None].float(), size, step=(step, step), origin=(origin, origin))
    return kept[0, 0]
