"""From a codec's quantiser to its step: the distance of two values that it tells apart.

The step is that of a coefficient of an orthonormal transform, in levels of 8 bits: the one unit in
which codecs can be compared. The standards scale their transforms differently:

    H.264, HEVC     2 ** ((QP - 4) / 6), a bit of depth more is 6 QP (H.264 8.5, HEVC 8.6)
    VP9, AV1        ac_qlookup[q index] / 8 (VP9 8.6.1, AV1 7.12.2; libvpx's vp9_ac_quant)
    VP8             ac_qlookup[q index] / 2 (RFC 6386, 14.1)
    MPEG-1, 2, 4    twice the quantiser, where the matrix is flat
"""

from __future__ import annotations

from itertools import accumulate, chain, repeat

import numpy as np
from numpy.typing import ArrayLike, NDArray

# VP9's table is a curve of whole numbers: (increment, how many times in a row), from 4 on.
_VP9_START = 4
_VP9_RUNS = (
    *((4, 1), (1, 94), (2, 25), (3, 17), (4, 13), (5, 10), (6, 9), (7, 7), (8, 6), (9, 6)),
    *((10, 5), (11, 5), (12, 4), (13, 4), (14, 4), (15, 3), (16, 3), (17, 3), (18, 3), (19, 3)),
    *((20, 2), (21, 3), (22, 2), (23, 2), (24, 2), (25, 2), (26, 2), (27, 2), (28, 2), (29, 2)),
    *((30, 2), (31, 1), (32, 2), (33, 1), (34, 2), (35, 1)),
)
VP9_AC = np.array(
    list(accumulate(chain.from_iterable(repeat(*run) for run in _VP9_RUNS), initial=_VP9_START))
)
# Deeper streams have finer steps at low indices: points of the table of 10 bits, in its own units.
_DEEP_INDEX = (0, 1, 4, 8, 16, 24, 40, 64, 95, *range(96, 256, 8), 255)
_DEEP_AC = (
    *(4, 9, 16, 27, 55, 88, 158, 267, 401, 409, 474, 539, 604, 700, 797, 922, 1058, 1218, 1411),
    *(1631, 1895, 2199, 2555, 2971, 3455, 4028, 4692, 5476, 6388, 7312),
)


def qp_steps(qp: ArrayLike, depth: int = 8) -> NDArray[np.float64]:
    """Return the steps of H.264's or HEVC's QP, offset by 6 for each bit of depth above 8."""
    relative = np.asarray(qp, np.float64) - 6 * (depth - 8)
    return np.exp2((np.clip(relative, -60, 63) - 4) / 6)


def vp9_steps(index: ArrayLike, depth: int = 8) -> NDArray[np.float64]:
    """Return the steps of VP9's or AV1's q index; index 0 is lossless, of step 0.

    Above 8 bits between points of the table, 1 % off from index 8 on.
    """
    bounded = np.clip(np.asarray(index, np.int64), 0, 255)
    deep = np.interp(bounded, _DEEP_INDEX, _DEEP_AC) / 4
    return np.where(bounded == 0, 0.0, (VP9_AC[bounded] if depth <= 8 else deep) / 8)


def mpeg_steps(doubled: ArrayLike) -> NDArray[np.float64]:
    """Return the steps of twice MPEG's quantiser, which is what FFmpeg exports."""
    return np.clip(np.asarray(doubled, np.float64), 1, 224)
