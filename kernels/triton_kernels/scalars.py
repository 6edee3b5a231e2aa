"""The numbers that a colour kernel takes as arguments, worked out on the host in float64.

They are arguments, not constants of the kernel, so that one compiled kernel serves every matrix,
range, depth and siting.
"""

from __future__ import annotations

from dataclasses import dataclass

from vidsr.errors import OptionError
from vidsr.picture.color import chroma_position
from vidsr.picture.conversion import luma_weights, quantization
from vidsr.picture.frame import VideoFormat

Row = tuple[float, float, float]


@dataclass(frozen=True)
class Levels:
    """``stored = step * floor(offset + span * value + 1/2)``, the code in [0, peak].

    ``step`` is 1, or ``2**(16 - depth)`` where the samples sit in the high bits of their 16.
    """

    luma_offset: float
    luma_span: float
    chroma_offset: float
    chroma_span: float
    peak: float
    step: int

    @classmethod
    def of(cls, format: VideoFormat, *, high_bits: bool = False) -> Levels:
        """Raise OptionError for high bits of 8-bit samples, which fill their byte."""
        depth = format.pixel.depth
        if high_bits and depth == 8:
            raise OptionError("high_bits with 8-bit samples: expected depths 10, 12 and 16")
        q = quantization(format)
        luma, chroma = (q.luma_offset, q.luma_span), (q.chroma_offset, q.chroma_span)
        return cls(*luma, *chroma, float(q.peak), 2 ** (16 - depth) if high_bits else 1)


@dataclass(frozen=True)
class ToRgb:
    """``channel = row[0]*(p0 - offset0) + row[1]*(p1 - offset12) + row[2]*(p2 - offset12)``.

    ``p0, p1, p2`` are stored samples of the three planes; grey counts as its plane three times.
    Offsets apart from the rows keep neutral grey exactly neutral and black exactly 0.
    """

    offset0: float
    offset12: float
    red: Row
    green: Row
    blue: Row

    @classmethod
    def of(cls, format: VideoFormat, *, high_bits: bool = False) -> ToRgb:
        """Raise InputError for a YUV matrix without (Kr, Kb), OptionError as Levels does."""
        levels = Levels.of(format, high_bits=high_bits)
        offset, y = levels.luma_offset * levels.step, 1 / (levels.luma_span * levels.step)
        if format.pixel.family == "gray":
            return cls(offset, offset, (y, 0.0, 0.0), (y, 0.0, 0.0), (y, 0.0, 0.0))
        if format.pixel.family == "rgb":  # planes G, B, R
            return cls(offset, offset, (0.0, 0.0, y), (y, 0.0, 0.0), (0.0, y, 0.0))
        kr, kb = luma_weights(format)
        kg, c = 1 - kr - kb, 2 / (levels.chroma_span * levels.step)
        red, blue = (y, 0.0, c * (1 - kr)), (y, c * (1 - kb), 0.0)
        green = (y, -c * kb * (1 - kb) / kg, -c * kr * (1 - kr) / kg)
        return cls(offset, levels.chroma_offset * levels.step, red, green, blue)


@dataclass(frozen=True)
class ToYuv:
    """``Y = kr R + kg G + kb B``, ``Cb = cb (B - Y)``, ``Cr = cr (R - Y)``; values, not codes."""

    kr: float
    kg: float
    kb: float
    cb: float
    cr: float

    @classmethod
    def of(cls, format: VideoFormat) -> ToYuv:
        """Raise InputError for a matrix without (Kr, Kb)."""
        kr, kb = luma_weights(format)
        return cls(kr, 1 - kr - kb, kb, 1 / (2 * (1 - kb)), 1 / (2 * (1 - kr)))


@dataclass(frozen=True)
class Cosited:
    """Siting of chroma: true where sample 0 of an axis lies on luma's; always if not subsampled."""

    across: bool
    down: bool

    @classmethod
    def of(cls, format: VideoFormat) -> Cosited:
        (across, down), siting = format.pixel.subsampling, format.color.siting
        return cls(
            chroma_position(across, "x", siting) == 0, chroma_position(down, "y", siting) == 0
        )

    @staticmethod
    def weights(subsampling: int, cosited: bool) -> tuple[float, float]:
        """Return the weight of the farther chroma sample, for even and for odd luma samples.

        Even sample ``2k`` lies between chroma ``k - 1`` and ``k``, odd ``2k + 1`` between ``k`` and
        ``k + 1``; the farther one is ``k - 1`` and ``k + 1``. (0, 0) without subsampling.
        """
        if subsampling == 1:
            return 0.0, 0.0
        return (0.0, 0.5) if cosited else (0.25, 0.25)
