"""Static HDR metadata and the display matrix (rotation, mirroring) out of frames' side data."""

from __future__ import annotations

import struct
from collections.abc import Iterable
from dataclasses import dataclass

from av.sidedata.sidedata import Type

from vidsr.video.side_data import Item

# AVMasteringDisplayMetadata: 3 primaries, a white point, min and max luminance, each a pair of
# int32 (numerator, denominator); then two flags.
_MASTERING = struct.Struct("=20i2i")
_LIGHT = struct.Struct("=2I")
_UPRIGHT = (1 << 16, 0, 0, 0, 1 << 16, 0, 0, 0, 1 << 30)
# By FFmpeg's number of the arrangement; the second where the right view comes first.
_STEREO_MODES = {1: (1, 11), 2: (3, 2), 4: (5, 4), 6: (7, 6), 7: (9, 8)}
DYNAMIC = (Type.DYNAMIC_HDR_PLUS, Type.DOVI_RPU_BUFFER, Type.DOVI_METADATA, Type.DYNAMIC_HDR_VIVID)


@dataclass(frozen=True)
class HdrMetadata:
    """SMPTE ST 2086 mastering display colour volume and CTA-861.3 light levels.

    ``primaries`` are (x, y) of red, green, blue, white; luminances and light levels in cd/m2.
    """

    primaries: tuple[tuple[float, float], ...] | None = None
    luminance: tuple[float, float] | None = None
    light_levels: tuple[int, int] | None = None

    @property
    def empty(self) -> bool:
        return self.primaries is None and self.light_levels is None

    def mastering_text(self, chroma_unit: float, luminance_unit: float) -> str:
        """Return ``G(x,y)B(x,y)R(x,y)WP(x,y)L(max,min)``, as x264, x265 and SVT-AV1 write it."""
        if self.primaries is None or self.luminance is None:
            return ""
        red, green, blue, white = (
            f"({_number(x / chroma_unit)},{_number(y / chroma_unit)})" for x, y in self.primaries
        )
        low, high = (_number(v / luminance_unit) for v in self.luminance)
        return f"G{green}B{blue}R{red}WP{white}L({high},{low})"


def _number(value: float) -> str:
    """Return a number with enough digits for any of the units; integers stay integers."""
    return str(round(value)) if abs(value) >= 1000 or value == round(value) else f"{value:.6f}"


def find_hdr(items: Iterable[Item]) -> HdrMetadata:
    """Return the static HDR metadata among side data, possibly empty."""
    primaries = luminance = levels = None
    for item in items:
        if item.type == Type.MASTERING_DISPLAY_METADATA:
            primaries, luminance = _read_mastering(item.data)
        elif item.type == Type.CONTENT_LIGHT_LEVEL:
            levels = _LIGHT.unpack_from(item.data)
    return HdrMetadata(primaries, luminance, levels)


def find_display_matrix(items: Iterable[Item], degrees: int) -> tuple[int, ...] | None:
    """Return the display matrix among side data, else that of a rotation by ``degrees``."""
    for item in items:
        if item.type == Type.DISPLAYMATRIX:
            matrix = struct.unpack_from("=9i", item.data)
            matrix = (*matrix[:6], 0, 0, matrix[8])  # the offset is in source pixels
            return None if matrix == _UPRIGHT else matrix
    return _quarter_turn(degrees)


def _quarter_turn(degrees: int) -> tuple[int, ...] | None:
    """Return the display matrix of a rotation, counterclockwise; None when upright."""
    cosine, sine = {90: (0, -1), -90: (0, 1), 180: (-1, 0), -180: (-1, 0)}.get(degrees, (1, 0))
    one = 1 << 16
    matrix = (cosine * one, sine * one, 0, -sine * one, cosine * one, 0, 0, 0, 1 << 30)
    return None if matrix == _UPRIGHT else matrix


def find_stereo(items: Iterable[Item]) -> int:
    """Return how two views share the picture, as Matroska's StereoMode; 0 for a single view."""
    for item in items:
        if item.type == Type.STEREO3D:
            arrangement, flags = struct.unpack_from("=2i", item.data)
            return _STEREO_MODES.get(arrangement, (0, 0))[flags & 1]
    return 0


def _read_mastering(
    data: bytes,
) -> tuple[tuple[tuple[float, float], ...] | None, tuple[float, float] | None]:
    numbers = _MASTERING.unpack_from(data)
    values = [n / d if d else 0.0 for n, d in zip(numbers[0:20:2], numbers[1:20:2], strict=True)]
    pairs = tuple(zip(values[0:8:2], values[1:8:2], strict=True))
    has_primaries, has_luminance = numbers[20:22]
    return (pairs if has_primaries else None, (values[8], values[9]) if has_luminance else None)
