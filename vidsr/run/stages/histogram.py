"""Histograms of durations: fixed in size, exact in count, and added up without loss."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, field

# Sixteen buckets an octave, each 4.4 % wide; a percentile is the middle of its bucket.
PER_OCTAVE = 16
MAX_ERROR = 2 ** (1 / (2 * PER_OCTAVE)) - 1  # 2.2 %
SHORTEST_MS = 2.0**-10  # a microsecond; what is shorter counts as that
OCTAVES = 36  # up to 19 hours
LAST_BUCKET = OCTAVES * PER_OCTAVE


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

    def summary(self) -> dict[str, float | int | str]:
        """Return count, percentiles and maximum as data, and ``buckets`` for ``parse``."""
        shares = {f"p{percent}": self.percentile_ms(percent) for percent in (50, 95, 99)}
        text = " ".join(f"{bucket}:{self.buckets[bucket]}" for bucket in sorted(self.buckets))
        rounded = {name: round(value, 3) for name, value in shares.items()}
        return {"count": self.count, **rounded, "max": self.max_ms, "buckets": text}

    @classmethod
    def parse(cls, summary: dict[str, float | int | str]) -> Histogram:
        """Return the histogram that ``summary`` was made of."""
        pairs = (pair.split(":") for pair in str(summary["buckets"]).split())
        return cls(
            Counter({int(bucket): int(count) for bucket, count in pairs}), float(summary["max"])
        )
