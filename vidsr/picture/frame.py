"""A picture in memory: planes as torch tensors, and the description that makes them a picture."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

import torch
from torch import Tensor
from torch.utils.dlpack import from_dlpack

from vidsr.picture.color import ColorSpec

if TYPE_CHECKING:
    import av

# PyAV is imported where pictures are made of its frames: kernels and engines do without it.

Family = Literal["yuv", "gray", "rgb"]
_SUBSAMPLING_NAMES = {(2, 2): "420", (2, 1): "422", (1, 1): "444"}
_DEPTHS = (8, 10, 12, 16)


@dataclass(frozen=True)
class PixelFormat:
    """Planar samples of one depth: Y'CbCr, grey, or R'G'B' (stored G, B, R as FFmpeg does).

    ``subsampling`` is (across, down); a chroma plane has ``ceil(width / across)`` columns.
    """

    family: Family
    depth: int
    subsampling: tuple[int, int] = (1, 1)

    @property
    def name(self) -> str:
        """FFmpeg's name, such as ``yuv420p10le``."""
        suffix = "" if self.depth == 8 else f"{self.depth}le"
        if self.family == "gray":
            return f"gray{suffix}"
        if self.family == "rgb":
            return f"gbrp{suffix}"
        return f"yuv{_SUBSAMPLING_NAMES[self.subsampling]}p{suffix}"

    @property
    def dtype(self) -> torch.dtype:
        return torch.uint8 if self.depth == 8 else torch.uint16

    def plane_sizes(self, width: int, height: int) -> list[tuple[int, int]]:
        """(height, width) of each plane of a ``width`` x ``height`` picture."""
        if self.family == "gray":
            return [(height, width)]
        across, down = self.subsampling
        chroma = (-(-height // down), -(-width // across))
        return [(height, width), chroma, chroma]

    @classmethod
    def nearest(cls, name: str) -> PixelFormat:
        """The planar format that holds everything FFmpeg's format ``name`` can, alpha aside."""
        import av

        source = av.VideoFormat(name, 16, 16)
        # Bayer formats report one pixel's bits split among red, green and blue.
        bits = [c.bits for c in source.components]
        depth = sum(bits) if source.is_bayer else max(bits)
        depth = next((d for d in _DEPTHS if d >= depth), 16)
        if source.is_rgb or source.has_palette or source.is_bayer:
            return cls("rgb", depth)
        if len(source.components) < 3:
            return cls("gray", depth)
        across, down = 16 // source.chroma_width(16), 16 // source.chroma_height(16)
        return cls("yuv", depth, (1, 1) if across == 1 else (2, 2 if down > 1 else 1))


@dataclass(frozen=True)
class VideoFormat:
    """Everything needed to read a picture's planes."""

    width: int
    height: int
    pixel: PixelFormat
    color: ColorSpec

    @property
    def plane_sizes(self) -> list[tuple[int, int]]:
        return self.pixel.plane_sizes(self.width, self.height)

    @property
    def frame_bytes(self) -> int:
        """Bytes of one picture's samples."""
        return sum(h * w for h, w in self.plane_sizes) * self.pixel.dtype.itemsize


def _keep() -> None:
    """What there is to do for planes that nobody else is going to fill."""


@dataclass(frozen=True)
class Frame:
    """One picture: ``planes[i]`` is ``[h, w]`` uint8 or uint16.

    ``pts`` and ``duration`` count units of the stream's time base; None is unknown.
    ``release`` gives the planes back to whoever lent them, who will fill them again.
    """

    planes: tuple[Tensor, ...]
    format: VideoFormat
    pts: int | None = None
    duration: int | None = None
    release: Callable[[], None] = field(default=_keep, repr=False, compare=False)


def view_planes(image: av.VideoFrame) -> tuple[Tensor, ...]:
    """The planes of a planar ``av.VideoFrame`` without a copy; they keep its memory alive."""
    return tuple(from_dlpack(plane) for plane in image.planes)


def to_image(frame: Frame) -> av.VideoFrame:
    """A new ``av.VideoFrame`` holding a copy of the planes, with the colour tags on it."""
    import av

    layout = frame.format
    image = av.VideoFrame(layout.width, layout.height, layout.pixel.name)
    for plane, samples in zip(image.planes, frame.planes, strict=True):
        from_dlpack(plane).copy_(samples)
    tag_image(image, layout.color)
    image.pts = frame.pts
    return image


def tag_image(image: av.VideoFrame, color: ColorSpec) -> None:
    """Write colour tags onto a picture."""
    image.colorspace, image.color_range = color.matrix, color.range
    image.color_primaries, image.color_trc = color.primaries, color.transfer
