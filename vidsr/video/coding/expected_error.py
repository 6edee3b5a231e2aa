"""The expected error of a picture from the step of its quantiser: curves fitted to known encodes.

log2(error) = a + b log2(step) + c log2(step) ** 2 + d log2(activity) + e log2(recent / step)
              + f for key frames + g for B frames

``recent`` is the geometric mean of the steps of the picture and of up to three shown before it,
back to a key frame: much of a picture is taken over from them as it was. The fit is that of
``benchmarks/coding_error.py``, least squares over pictures; what it misses stands in
``benchmarks/results/coding-error.json``.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import log2

import numpy as np
from numpy.typing import NDArray

from vidsr.video.coding.codecs import Family

# Pictures of which the steps count: the one itself and three before it.
RECENT = 4
# Of pictures whose samples cannot be looked at: the median of the clips.
TYPICAL_ACTIVITY = 6.0
_STEPS = (0.25, 256.0)
_ACTIVITIES = (0.25, 32.0)


@dataclass(frozen=True)
class Curve:
    """The coefficients of one family, in the order of the formula."""

    a: float
    b: float
    c: float
    d: float
    e: float = 0.0
    f: float = 0.0
    g: float = 0.0


CURVES: dict[Family, Curve] = {
    "h264": Curve(-2.61, 0.91, -0.022, 0.43, 0.21, 0.09, -0.34),
    "vp9": Curve(-2.88, 0.88, -0.034, 0.46, 0.30, 0.24, 0.0),
    "mpeg": Curve(-2.73, 0.73, 0.003, 0.73, 0.36, 0.03, 0.0),
    "jpeg": Curve(-3.18, 0.52, 0.022, 1.00),
}


@dataclass(frozen=True)
class Situation:
    """What decides the error of a picture besides the step.

    Attributes:
        activity: Mean difference of horizontal neighbours in levels of 8 bits.
        recent: Geometric mean of the steps of the picture and of those before it.
        key: True for a key frame.
        bidirectional: True for a B frame.
    """

    activity: float
    recent: float
    key: bool
    bidirectional: bool


def expected_levels(family: Family, step: float, at: Situation) -> float:
    """Return the expected error in levels of 8 bits of a picture of one step; 0 for step 0."""
    if step <= 0:
        return 0.0
    return float(_levels(CURVES[family], np.array([step]), step, at)[0])


def block_levels(
    family: Family, grid: NDArray[np.float64], mean: float, at: Situation
) -> NDArray[np.float32]:
    """Return the same for each block of a picture, of its own step; ``mean`` is that of all."""
    levels = np.where(grid > 0, _levels(CURVES[family], grid, mean, at), 0.0)
    return levels.astype(np.float32)


def _levels(
    curve: Curve, steps: NDArray[np.float64], mean: float, at: Situation
) -> NDArray[np.float64]:
    log_step = np.log2(np.clip(steps, *_STEPS))
    activity = min(max(at.activity, _ACTIVITIES[0]), _ACTIVITIES[1])
    # What a block takes over differs from its own step as it does on the whole.
    taken_over = log2(max(at.recent, _STEPS[0])) - log2(max(mean, _STEPS[0]))
    fixed = curve.a + curve.d * log2(activity) + curve.e * taken_over
    fixed += curve.f * at.key + curve.g * at.bidirectional
    return np.exp2(fixed + log_step * (curve.b + curve.c * log_step))
