"""Picture in memory: planes as torch tensors, and the description that makes them a picture."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from torch import Tensor
from torch.utils.dlpack import from_dlpack

from vidsr.picture.coding_error import CodingError
from vidsr.picture.color import ColorSpec
from vidsr.picture.pixel_format import Family as Family
from vidsr.picture.pixel_format import PixelFormat as PixelFormat

if TYPE_CHECKING:
    import av

# PyAV is imported where pictures are made of its frames: kernels and engines do without it.


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
        coding_error: The expected error of what was decoded; None where nothing was.
        captions: Closed captions of the picture, constructs of three bytes of CEA-608/708.
        release: Function that gives borrowed planes back; their lender then fills them again.
    """

    planes: tuple[Tensor, ...]
    format: VideoFormat
    pts: int | None = None
    duration: int | None = None
    coding_error: CodingError | None = field(default=None, kw_only=True, compare=False)
    captions: bytes = field(default=b"", kw_only=True, compare=False)
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
