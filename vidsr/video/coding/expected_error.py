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
# A dark camera clip of activity 0.7 had two to four times the error that MPEG-4's and JPEG's curves
# give there; held at 3, they give 0.7 to 1.1 times of it.
_ACTIVITIES = (3.0, 32.0)
# Quantising moves a coefficient by half a step, where all of a noise-like picture is moved; a
# matrix makes that more.
_MOST = 0.75


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
    "h264": Curve(-2.53, 0.89, -0.028, 0.46, 0.28, -0.04, -0.37),
    "hevc": Curve(-3.01, 0.69, 0.001, 0.64, 0.34, -0.49, -0.13),
    "vp9": Curve(-2.84, 0.87, -0.033, 0.46, 0.30, 0.26, 0.0),
    "av1": Curve(-2.55, 0.73, -0.021, 0.48, 0.33, 0.50, 0.0),
    # The quantisers of these encodes were constant, which tells nothing of e: that of the others.
    "vp8": Curve(-2.72, 0.55, 0.021, 0.70, 0.30, 0.19, 0.0),
    "mpeg": Curve(-2.66, 0.73, 0.005, 0.72, 0.30, 0.01, -0.02),
    # Of FFmpeg's tables and of libjpeg's together.
    "jpeg": Curve(-3.18, 0.52, 0.022, 1.00),
}


@dataclass(frozen=True)
class Evidence:
    """What decides the error of a picture.

    Attributes:
        family: Family of the codec; one of ``CURVES``.
        step: Mean step of the picture in levels of 8 bits, 0 for lossless.
        recent: Geometric mean of the steps of the picture and of those before it.
        activity: Mean difference of horizontal neighbours in levels of 8 bits.
        key: True for a key frame.
        bidirectional: True for a B frame.
    """

    family: Family
    step: float
    recent: float
    activity: float
    key: bool
    bidirectional: bool


def expected_levels(evidence: Evidence) -> float:
    """Return the expected error of a picture in levels of 8 bits; 0 for step 0."""
    if evidence.step <= 0:
        return 0.0
    curve, step = CURVES[evidence.family], evidence.step
    log_step = log2(min(max(step, _STEPS[0]), _STEPS[1]))
    levels = 2.0 ** (_fixed(evidence, curve) + log_step * (curve.b + curve.c * log_step))
    return float(min(levels, _MOST * step))


def block_levels(evidence: Evidence, grid: NDArray[np.float64]) -> NDArray[np.float32]:
    """Return the expected error of each block of a picture from a grid of their steps.

    What a block takes over differs from its own step as it does on the whole.
    """
    curve = CURVES[evidence.family]
    log_steps = np.log2(np.clip(grid, *_STEPS))
    levels = np.exp2(_fixed(evidence, curve) + log_steps * (curve.b + curve.c * log_steps))
    return np.minimum(levels, _MOST * grid).astype(np.float32)


def _fixed(evidence: Evidence, curve: Curve) -> float:
    """Return what all blocks of a picture have in common."""
    activity = min(max(evidence.activity, _ACTIVITIES[0]), _ACTIVITIES[1])
    least = _STEPS[0]
    taken_over = log2(max(evidence.recent, least) / max(evidence.step, least))
    of_kind = curve.f * evidence.key + curve.g * evidence.bidirectional
    return curve.a + curve.d * log2(activity) + curve.e * taken_over + of_kind
