"""Pixel formats: family, depth and chroma of planar samples, and FFmpeg's names of them.

Neither PyTorch nor PyAV is loaded before it is needed: a command refuses a name without PyTorch.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import torch

Family = Literal["yuv", "gray", "rgb"]
_SUBSAMPLING_NAMES = {(2, 2): "420", (2, 1): "422", (1, 1): "444"}
DEPTHS = (8, 10, 12, 16)


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
        import torch

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
        depth = next((d for d in DEPTHS if d >= depth), 16)
        if source.is_rgb or source.has_palette or source.is_bayer:
            return cls("rgb", depth)
        if len(source.components) < 3:
            return cls("gray", depth)
        across, down = 16 // source.chroma_width(16), 16 // source.chroma_height(16)
        return cls("yuv", depth, (1, 1) if across == 1 else (2, 2 if down > 1 else 1))
