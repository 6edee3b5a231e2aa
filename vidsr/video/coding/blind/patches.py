"""Patches at fixed places of a picture's luma: as much of it as is looked at."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from vidsr.picture.size import Size

Patches = NDArray[np.int16]

PATCH = Size(64, 32)
# Places along each side at the most, which makes 98304 samples of a picture of any size.
_PLACES = Size(8, 6)
# Corners lie on multiples of this, so that blocks of codecs lie in all patches alike.
_ALIGNED = 16
FEWEST = 4


def patches(luma: NDArray[np.uint8] | NDArray[np.uint16], depth: int) -> Patches | None:
    """Return patches in levels of 8 bits, ``[n, 32, 64]``; None where there are fewer than four.

    Patches of one value, such as black bars, are left out.

    Args:
        luma: A picture's first plane, ``[h, w]``.
        depth: Bits of a sample.
    """
    height, width = luma.shape
    tops, lefts = (
        _places(side, patch, most)
        for side, patch, most in (
            (height, PATCH.height, _PLACES.height),
            (width, PATCH.width, _PLACES.width),
        )
    )
    cut = [luma[y : y + PATCH.height, x : x + PATCH.width] for y in tops for x in lefts]
    alive = [each for each in cut if each.min() != each.max()]
    if len(alive) < FEWEST:
        return None
    found = np.stack(alive)
    if depth > 8:
        found = np.minimum((found.astype(np.int32) + (1 << (depth - 9))) >> (depth - 8), 255)
    return found.astype(np.int16)


def _places(side: int, patch: int, most: int) -> list[int]:
    """Return where patches begin along one side."""
    count = min(side // patch, most)
    free = side - patch
    return [free * i // max(count - 1, 1) // _ALIGNED * _ALIGNED for i in range(count)]
