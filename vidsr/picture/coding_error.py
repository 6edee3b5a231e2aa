"""What a codec did to a picture: its expected error."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class CodingError:
    """Expected error of a picture that a codec has coded.

    Attributes:
        levels: Root mean square error on luma, in levels of 8 bits.
    """

    levels: float
