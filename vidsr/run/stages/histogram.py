"""Histograms of durations: fixed in size, exact in count, and added up without loss."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, field
from typing import TypedDict

# Sixteen buckets an octave, each 4.4 % wide; a percentile is the middle of its bucket.
PER_OCTAVE = 16
MAX_ERROR = 2 ** (1 / (2 * PER_OCTAVE)) - 1  # 2.2 %
SHORTEST_MS = 2.0**-10  # a microsecond; what is shorter counts as that
OCTAVES = 36  # up to 19 hours
LAST_BUCKET = OCTAVES * PER_OCTAVE


class LatencySummary(TypedDict):
    """A histogram as data.

    Args:
        count: The number of durations.
        p50: The duration in ms that half of them do not exceed.
        p95: The duration in ms that 95 of 100 do not exceed.
        p99: The duration in ms that 99 of 100 do not exceed.
        max: The longest duration in ms.
        buckets: All durations as ``bucket:count``, for adding reports up; percentiles of a sum
            cannot be had from percentiles. A bucket's number is 16 times the binary logarithm of
            its lowest duration in units of 2**-10 ms.
    """

    count: int
    p50: float
    p95: float
    p99: float
    max: float
    buckets: str


@dataclass
class Histogram:
    """Counts of durations in buckets of equal ratio, 577 at most.

    A percentile is off by 2.2 % of itself at most (``MAX_ERROR``), however many durations there
    are and however often histograms were added; ``max_ms`` is exact.
    """

    buckets: Counter[int] = field(default_factory=Counter)
    max_ms: float = 0.0

    def add(self, duration_ms: float) -> None:
        """Count one duration in milliseconds."""
        octaves = math.log2(max(duration_ms, SHORTEST_MS) / SHORTEST_MS)
        self.buckets[min(int(octaves * PER_OCTAVE), LAST_BUCKET)] += 1
        self.max_ms = max(self.max_ms, duration_ms)

    def merge(self, other: Histogram) -> None:
        """Count all of another histogram's durations too."""
        self.buckets.update(other.buckets)
        self.max_ms = max(self.max_ms, other.max_ms)

    @property
    def count(self) -> int:
        """The number of durations."""
        return self.buckets.total()

    def percentile_ms(self, percent: float) -> float:
        """Return the duration that ``percent`` of all do not exceed; 0 where there are none.

        Args:
            percent: More than 0, at most 100.
        """
        rank, below = math.ceil(self.count * percent / 100), 0
        for bucket in sorted(self.buckets):
            below += self.buckets[bucket]
            if below >= rank:
                middle = SHORTEST_MS * 2 ** ((bucket + 0.5) / PER_OCTAVE)
                return min(middle, self.max_ms)
        return 0.0

    def summary(self) -> LatencySummary:
        """Return count, percentiles and maximum as data, and ``buckets`` for ``parse``."""
        text = " ".join(f"{bucket}:{self.buckets[bucket]}" for bucket in sorted(self.buckets))
        return {
            "count": self.count,
            "p50": round(self.percentile_ms(50), 3),
            "p95": round(self.percentile_ms(95), 3),
            "p99": round(self.percentile_ms(99), 3),
            "max": self.max_ms,
            "buckets": text,
        }

    @classmethod
    def parse(cls, summary: LatencySummary) -> Histogram:
        """Return the histogram that ``summary`` was made of."""
        pairs = (pair.split(":") for pair in summary["buckets"].split())
        return cls(Counter({int(bucket): int(count) for bucket, count in pairs}), summary["max"])
