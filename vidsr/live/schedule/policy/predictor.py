"""Prediction of how long a level takes for a frame, from the frames before."""

from __future__ import annotations

import math
from dataclasses import dataclass

# Those of TCP's round trips (RFC 6298): a mean over about 8 frames, a deviation over about 4.
MEAN_GAIN, DEVIATION_GAIN = 1 / 8, 1 / 4
SAFETY = 2.0  # mean deviations above the mean; 4 in TCP, where being wrong costs more
# One time so far above the prediction is a pause of the machine; two in a row are news.
HICCUP = 2.0
# A level that is not used is taken for a little faster with every frame that goes another way, down
# to half of what was measured: a warm-up on a busy machine would else count for ever.
FADING, FADED = 1 / 3000, 0.5
EXCUSED = 0.8  # of the deviation stays with every frame that is dropped because of it
# Of a frame's time, what does not become less with the part of it that is computed: colours and
# copies. Until a part of that size has been seen.
FIXED = 0.15
SMALLEST, LARGEST = -5, 4  # powers of two of a frame's work: from 1/32 of it to batches of 16


@dataclass
class _Estimate:
    mean_s: float
    deviation_s: float
    measured_s: float = 0.0

    def __post_init__(self) -> None:
        self.measured_s = self.mean_s

    def add(self, seconds: float, part: float) -> None:
        error_s = seconds - self.mean_s
        self.deviation_s += part * DEVIATION_GAIN * (abs(error_s) - self.deviation_s)
        self.mean_s += part * MEAN_GAIN * error_s
        self.measured_s = self.mean_s

    def scale(self, factor: float) -> None:
        self.mean_s *= factor
        self.deviation_s *= factor
        self.measured_s *= factor

    def fade(self, part: float) -> None:
        self.mean_s = max(FADED * self.measured_s, (1 - part * FADING) * self.mean_s)


class Predictor:
    """A level's times, apart for frames of which little and of which all has to be computed.

    ``work`` is in frames: 1 for a whole frame, less where tiles are reused, more for a batch. Its
    power of two tells which times are looked at, so that a key frame's time is not that of the
    frames around it.
    """

    def __init__(self) -> None:
        self._by_work: dict[int, _Estimate] = {}
        self._hiccup = False
        self.hiccups = 0
        self.streams = 0
        """Streams that share it; whoever lets them counts them."""

    @property
    def known(self) -> bool:
        """True once a time is known."""
        return bool(self._by_work)

    def seed(self, seconds: float, work: float = 1.0) -> None:
        """Take the time of a warm-up in place of what is known of frames of that much work.

        The deviation begins at a quarter: TCP's half is for a time that was measured once.
        """
        self._by_work[_power(work)] = _Estimate(seconds, seconds / 8)

    def renew(self, seconds: float) -> None:
        """Take the time of whole frames as it is now; less of it makes all else less, too."""
        before = self._by_work.get(0)
        if before is not None and seconds < before.mean_s:
            for estimate in self._by_work.values():
                estimate.scale(seconds / before.mean_s)
        self.seed(seconds)

    def add(self, seconds: float, work: float = 1.0) -> None:
        """Take the time of a frame.

        Where streams share the times, each counts for its part: a mean over the last eight frames
        of sixteen streams would be another one for every frame, and so would be what it costs.
        """
        power = _power(work)
        estimate = self._by_work.get(power)
        if estimate is None:
            self._by_work[power] = _Estimate(seconds, seconds / 4)
            return
        hiccup = seconds > HICCUP * (estimate.mean_s + SAFETY * estimate.deviation_s)
        self.hiccups += hiccup
        if hiccup and not self._hiccup:
            self._hiccup = True
            return
        self._hiccup = hiccup
        estimate.add(seconds, 1 / max(1, self.streams))

    def fade(self, part: float = 1.0) -> None:
        """Take the level for a little faster, since a frame was upscaled without it."""
        for estimate in self._by_work.values():
            estimate.fade(part)

    def excuse(self) -> None:
        """Take the level for steadier and a little faster: its times let no frame through."""
        for estimate in self._by_work.values():
            estimate.deviation_s *= EXCUSED
            estimate.fade(1.0)

    def mean_s(self, work: float = 1.0) -> float:
        """Return the mean time of frames of that much work, infinity where nothing is known."""
        return self._look_up(work, 0.0)

    def safe_s(self, work: float = 1.0) -> float:
        """Return the time that few frames of that much work exceed."""
        return self._look_up(work, SAFETY)

    def _look_up(self, work: float, safety: float) -> float:
        """Return the time of the power of two, or one in proportion to the nearest known one.

        More work than was ever seen is taken for no cheaper than in proportion; less work has to
        be taken for cheaper, or nobody would find out that it is.
        """
        power = _power(work)
        if (exact := self._by_work.get(power)) is not None:
            return exact.mean_s + safety * exact.deviation_s
        if not self._by_work:
            return math.inf
        more = [known for known in self._by_work if known > power]
        nearest = min(more) if more else max(self._by_work)
        estimate = self._by_work[nearest]
        factor = 2.0 ** (power - nearest)
        if more:
            factor = FIXED + (1 - FIXED) * factor
        return (estimate.mean_s + safety * estimate.deviation_s) * factor


def _power(work: float) -> int:
    """Return the power of two that ``work`` is rounded up to."""
    half, power = math.frexp(work)  # work = half * 2^power, half in [0.5, 1), or 0
    if half == 0.5:
        power -= 1
    return max(SMALLEST, min(LARGEST, power)) if half else SMALLEST
