"""The error of a picture as far as its luma leaves no doubt of it, whatever the stream says.

A network says two quantiles of the error: one near the middle, which is the estimate, and a low one,
which says how sure that is. Both are continuous, and so is what is made of them, for strength is to
be steady from picture to picture.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from vidsr.video.coding.blind.features import features
from vidsr.video.coding.blind.network import STRANGE, quantiles, standardised
from vidsr.video.coding.blind.patches import patches

# Levels of the low quantile from which on the estimate counts a little, and wholly.
DOUBTED, SURE = 0.7, 1.4
# An estimate raises what a stream tells from this many times of it and these levels on, and by all
# it has a level later.
_BEYOND, _ABOVE = 1.25, 0.4


def estimated_levels(
    luma: NDArray[np.uint8] | NDArray[np.uint16], depth: int, *, few: bool = False
) -> float:
    """Return the error in levels of 8 bits that the luma tells of; 0 for none and for doubt.

    Args:
        luma: A picture's first plane, ``[h, w]``.
        depth: Bits of a sample.
        few: Look at fewer places of a small picture, for a stream of which every one is looked at.
    """
    cut = patches(luma, depth, few=few)
    if cut is None:
        return 0.0
    values = features(cut)
    if float(np.square(standardised(values)).mean()) > STRANGE:
        return 0.0
    low, middle = quantiles(values)
    sure = min(max((float(low) - DOUBTED) / (SURE - DOUBTED), 0.0), 1.0)
    return round(sure * float(middle), 2)


def raised(told: float, looked: float) -> float:
    """Return what a stream tells, or more where an estimate is clearly above it, in levels."""
    share = min(max(looked - _BEYOND * told - _ABOVE, 0.0), 1.0)
    return told + share * (looked - told)
