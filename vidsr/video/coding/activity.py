"""How busy a picture is: what decides how much of a quantiser's step becomes error."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Samples = NDArray[np.uint8] | NDArray[np.uint16]

# So many samples of whole rows are looked at: 0.1 ms of a core for a picture of any size.
_SAMPLES = 1 << 16


def sampled_rows(luma: Samples) -> NDArray[np.float32]:
    """Return evenly spaced rows of a picture, ``[n, w]``, about 65 thousand samples."""
    every = max(1, luma.size // _SAMPLES)
    return luma[every // 2 :: every].astype(np.float32)


def activity(rows: NDArray[np.float32], depth: int) -> float:
    """Return the mean difference of horizontal neighbours, in levels of 8 bits.

    Args:
        rows: Rows of luma, of one picture.
        depth: Bits of a sample.
    """
    if rows.shape[1] < 2 or not rows.size:
        return 0.0
    return float(np.abs(rows[:, 1:] - rows[:, :-1]).mean()) / float(1 << max(depth - 8, 0))
