"""Picture in memory: planes as torch tensors, and the description that makes them a picture."""

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

    Attributes:
        family: "yuv", "gray" or "rgb".
        depth: Bits of a sample: 8, 10, 12 or 16.
        subsampling: (across, down); a chroma plane has ``ceil(width / across)`` columns.
    """

    family: Family
    depth: int
    subsampling: tuple[int, int] = (1, 1)

    @property
    def name(self) -> str:
        """Return FFmpeg's name, such as ``yuv420p10le``."""
        suffix = "" if self.depth == 8 else f"{self.depth}le"
        if self.family == "gray":
            return f"gray{suffix}"
        if self.family == "rgb":
            return f"gbrp{suffix}"
        return f"yuv{_SUBSAMPLING_NAMES[self.subsampling]}p{suffix}"

    @property
    def dtype(self) -> torch.dtype:
        """Return the type of a sample: uint8 for 8 bits, uint16 for more."""
        return torch.uint8 if self.depth == 8 else torch.uint16

    def plane_sizes(self, width: int, height: int) -> list[tuple[int, int]]:
        """Return (height, width) of each plane of a ``width`` x ``height`` picture."""
        if self.family == "gray":
            return [(height, width)]
        across, down = self.subsampling
        chroma = (-(-height // down), -(-width // across))
        return [(height, width), chroma, chroma]

    @classmethod
    def nearest(cls, name: str) -> PixelFormat:
        """Return the planar format that holds all of FFmpeg's format ``name``, alpha aside."""
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
    """Description by which a picture's planes are read: size in pixels, samples and colour."""

    width: int
    height: int
    pixel: PixelFormat
    color: ColorSpec

    @property
    def plane_sizes(self) -> list[tuple[int, int]]:
        """Return (height, width) of each plane."""
        return self.pixel.plane_sizes(self.width, self.height)

    @property
    def frame_bytes(self) -> int:
        """Return the number of bytes of one picture's samples."""
        return sum(h * w for h, w in self.plane_sizes) * self.pixel.dtype.itemsize


def _keep() -> None:
    """Do nothing: the default ``release`` of planes that are not borrowed."""


@dataclass(frozen=True)
class Frame:
    """One picture of a stream.

    Attributes:
        planes: ``[h, w]`` uint8 or uint16 each, as ``format`` describes them.
        format: Sizes, samples and colour of the planes.
        pts: Time of showing in units of the stream's time base; None is unknown.
        duration: Length of showing in the same units; None is unknown.
        release: Function that gives borrowed planes back; their lender then fills them again.
    """

    planes: tuple[Tensor, ...]
    format: VideoFormat
    pts: int | None = None
    duration: int | None = None
    release: Callable[[], None] = field(default=_keep, repr=False, compare=False)


def view_planes(image: av.VideoFrame) -> tuple[Tensor, ...]:
    """Return the planes of a planar ``av.VideoFrame`` uncopied; they keep its memory alive."""
    return tuple(from_dlpack(plane) for plane in image.planes)


def to_image(frame: Frame) -> av.VideoFrame:
    """Return a new ``av.VideoFrame`` with a copy of the planes, and the colour tags on it."""
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
