"""The format of a stream's frames, made from that of its source's."""

from __future__ import annotations

from dataclasses import dataclass, replace

from vidsr.picture.chroma import with_weights
from vidsr.picture.color import MATRIX_RGB, MATRIX_UNSPECIFIED, RANGE_LIMITED
from vidsr.picture.frame import PixelFormat, VideoFormat


@dataclass(frozen=True)
class Shape:
    """The format of a stream's frames: a function of its source's.

    Args:
        scale: Factor, where no size is given.
        size: (width, height) in pixels.
        pixel: Samples of the frames; None for the source's.
    """

    scale: int
    size: tuple[int, int] | None = None
    pixel: PixelFormat | None = None

    def __call__(self, source: VideoFormat) -> VideoFormat:
        """Return the format of the frames that come out."""
        width, height = self.size or (source.width * self.scale, source.height * self.scale)
        target = replace(source, width=width, height=height, pixel=self.pixel or source.pixel)
        if source.pixel.family != "rgb" or target.pixel.family == "rgb":
            return target
        named = MATRIX_UNSPECIFIED if target.color.matrix == MATRIX_RGB else target.color.matrix
        color = replace(target.color, matrix=named, range=RANGE_LIMITED)
        return with_weights(replace(target, color=color))
