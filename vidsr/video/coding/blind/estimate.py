"""The error of a picture as far as its luma leaves no doubt of it, whatever the stream says."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from vidsr.video.coding.blind.features import features
from vidsr.video.coding.blind.network import STRANGE, quantiles, standardised
from vidsr.video.coding.blind.patches import patches

# Levels below which a picture counts as clean.
_CLEAN = 1.0
# An estimate raises what a stream tells from this many times of it and some levels on.
_BEYOND, _ABOVE = 1.3, 0.5


def estimated_levels(
    luma: NDArray[np.uint8] | NDArray[np.uint16], depth: int, *, few: bool = False
) -> float:
    """Return the error in levels of 8 bits that the luma tells of; 0 for none and for doubt.

    Args:
        luma: A picture's first plane, ``[h, w]``.
        depth: Bits of a sample.
        few: Look at a third of the places only, for every picture of a stream.
    """
    cut = patches(luma, depth, few=few)
    if cut is None:
        return 0.0
    values = features(cut)
    if float(np.square(standardised(values)).mean()) > STRANGE:
        return 0.0
    levels = float(quantiles(values)[1])
    return round(levels, 2) if levels >= _CLEAN else 0.0


def raised(told: float, looked: float) -> float:
    """Return ``looked`` where it is clearly above what a stream tells, else ``told``, in levels."""
    return looked if looked > _BEYOND * told + _ABOVE else told
