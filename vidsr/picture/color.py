"""Meaning of a picture's numbers: matrix, range, primaries, transfer and chroma siting.

Tags are the code points of ITU-T H.273, which FFmpeg and every bitstream use; they travel from
source to target untouched. Only the matrix, the range and the siting take part in arithmetic.
Nothing but the standard library is imported: programs without torch read these tables too.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

Siting = Literal["left", "center", "topleft"]

MATRIX_RGB, MATRIX_BT709, MATRIX_UNSPECIFIED, MATRIX_BT601, MATRIX_BT2020 = 0, 1, 2, 6, 9
RANGE_UNSPECIFIED, RANGE_LIMITED, RANGE_FULL = 0, 1, 2

# (Kr, Kb) by H.273 MatrixCoefficients: BT.709; FCC; BT.601 625 and 525 lines; SMPTE 240M; BT.2020.
LUMA_WEIGHTS: dict[int, tuple[float, float]] = {
    1: (0.2126, 0.0722),
    4: (0.30, 0.11),
    5: (0.299, 0.114),
    6: (0.299, 0.114),
    7: (0.212, 0.087),
    9: (0.2627, 0.0593),
}
MATRIX_NAMES = {
    0: "RGB",
    1: "BT.709",
    2: "unspecified",
    4: "FCC",
    5: "BT.601",
    6: "BT.601",
    7: "SMPTE 240M",
    8: "YCgCo",
    9: "BT.2020",
    10: "BT.2020 constant luminance",
    14: "ICtCp",
}
TRANSFER_NAMES = {16: "PQ", 18: "HLG"}


@dataclass(frozen=True, kw_only=True)
class ColorSpec:
    """Colour tags of a stream (H.273 code points) and the siting of its chroma samples.

    Attributes:
        matrix: MatrixCoefficients; 2 is unspecified.
        primaries: ColourPrimaries; 2 is unspecified.
        transfer: TransferCharacteristics; 2 is unspecified.
        range: 0 unspecified (read as limited for YUV, full for RGB), 1 limited, 2 full.
        siting: Place of chroma samples among those of luma (``chroma_position``).
    """

    matrix: int = MATRIX_UNSPECIFIED
    primaries: int = 2
    transfer: int = 2
    range: int = RANGE_UNSPECIFIED
    siting: Siting = "left"

    @property
    def full_range(self) -> bool:
        """Return True if code values span the full range."""
        return self.range == RANGE_FULL or (
            self.matrix == MATRIX_RGB and self.range != RANGE_LIMITED
        )

    @property
    def luma_weights(self) -> tuple[float, float]:
        """Return (Kr, Kb).

        Raises:
            KeyError: The matrix is not of the Kr/Kb kind.
        """
        return LUMA_WEIGHTS[self.matrix]

    def describe(self) -> str:
        """Return a short phrase for people: ``BT.709 limited`` or ``BT.2020 limited PQ``."""
        name = MATRIX_NAMES.get(self.matrix, f"matrix {self.matrix}")
        parts = [name, "full" if self.full_range else "limited"]
        if self.transfer in TRANSFER_NAMES:
            parts.append(TRANSFER_NAMES[self.transfer])
        return " ".join(parts)


def assumed_matrix(height: int) -> int:
    """Return the matrix of a stream that names none: BT.709 from 720 lines up, else BT.601."""
    return MATRIX_BT709 if height >= 720 else MATRIX_BT601


def is_doubtful(width: int, height: int) -> bool:
    """Return True if players assume another matrix than ``assumed_matrix`` for a size.

    Many take BT.709 from 1280 columns or from more than the 576 lines of PAL on: films of HD whose
    black bars were cut off are such.
    """
    return assumed_matrix(height) == MATRIX_BT601 and (width >= 1280 or height > 576)


@dataclass(frozen=True)
class Quantization:
    """Mapping of code values to the unit interval: ``level = offset + span * value``."""

    luma_offset: float
    luma_span: float
    chroma_offset: float
    chroma_span: float
    peak: int

    @classmethod
    def of(cls, depth: int, *, full_range: bool) -> Quantization:
        """Return the narrow- or full-range scaling at ``depth`` bits (H.273, 8.3)."""
        peak, middle = 2**depth - 1, float(2 ** (depth - 1))
        if full_range:
            return cls(0.0, float(peak), middle, float(peak), peak)
        unit = 2.0 ** (depth - 8)
        return cls(16 * unit, 219 * unit, middle, 224 * unit, peak)


def chroma_position(subsampling: int, axis: Literal["x", "y"], siting: Siting) -> Fraction:
    """Return the place of chroma sample 0, in luma samples from the centre of luma sample 0.

    Subsampled by two and co-sited it is 0, centred it is 1/2. ``left`` is co-sited across and
    centred down (MPEG-2, H.264, HEVC); ``topleft`` is co-sited both ways (BT.2020); ``center`` is
    centred both ways (JPEG, MPEG-1).
    """
    cosited = siting == "topleft" or (siting == "left" and axis == "x")
    return Fraction(0) if cosited else Fraction(subsampling - 1, 2)
