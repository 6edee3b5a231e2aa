"""A size that the target shall have, before the source's is known."""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from vidsr.picture.frame import VideoFormat


@dataclass(frozen=True)
class WantedSize:
    """A wanted picture size; ``width`` None follows from the height and the source's shape."""

    width: int | None
    height: int

    def of(self, source: VideoFormat) -> tuple[int, int]:
        """Return (width, height); a width that follows is rounded to an even number."""
        exact = Fraction(source.width * self.height, source.height)
        width = self.width if self.width is not None else max(2, round(exact / 2) * 2)
        return width, self.height

    def stored(self, source: VideoFormat, matrix: tuple[int, ...] | None) -> WantedSize:
        """Return the size before players turn the picture: a quarter turn swaps the sides.

        ``source`` is the format as stored, ``matrix`` its display matrix.
        """
        if matrix is None or matrix[0] or matrix[4]:
            return self
        shown = replace(source, width=source.height, height=source.width)
        width, height = self.of(shown)
        return WantedSize(height, width)
