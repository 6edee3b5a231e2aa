"""The expected errors of a whole stream: counted, added up, and told in four numbers."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from vidsr.picture.coding_error import CodingError

# Buckets an eighth of a level wide: the median is off by a sixteenth at most.
PER_LEVEL = 8


@dataclass(frozen=True)
class CodingSummary:
    """The expected errors of some frames, in levels of 8 bits.

    Args:
        median: Error that half of the frames do not exceed.
        lowest: Smallest error of a frame.
        highest: Largest error of a frame.
        basis: Source of each frame's value, with the number of frames.
    """

    median: float
    lowest: float
    highest: float
    basis: dict[str, int]

    def __str__(self) -> str:
        """Return the summary for people."""
        ways = ", ".join(sorted(self.basis, key=lambda name: -self.basis[name]))
        return (
            f"expected error {self.median:.1f} levels of 8 bits "
            f"({self.lowest:.1f} to {self.highest:.1f}) by {ways}"
        )


@dataclass
class CodingRecord:
    """Counts of frames by their expected error.

    Args:
        buckets: Frames by the error in eighths of a level, rounded.
        basis: Frames by the source of their value.
        lowest: Smallest error in levels; None before the first frame.
        highest: Largest error in levels; None before the first frame.
    """

    buckets: dict[int, int] = field(default_factory=dict)
    basis: dict[str, int] = field(default_factory=dict)
    lowest: float | None = None
    highest: float | None = None

    def add(self, error: CodingError | None) -> None:
        """Count one frame; one of which nothing is known leaves no trace."""
        if error is not None:
            bucket = {round(error.levels * PER_LEVEL): 1}
            self._count(bucket, {error.basis: 1}, error.levels, error.levels)

    def __add__(self, other: CodingRecord) -> CodingRecord:
        """Return the counts of both."""
        total = CodingRecord()
        for each in (self, other):
            if each.lowest is not None and each.highest is not None:
                total._count(each.buckets, each.basis, each.lowest, each.highest)
        return total

    def _count(
        self, buckets: dict[int, int], basis: dict[str, int], lowest: float, highest: float
    ) -> None:
        for bucket, frames in buckets.items():
            self.buckets[bucket] = self.buckets.get(bucket, 0) + frames
        for way, frames in basis.items():
            self.basis[way] = self.basis.get(way, 0) + frames
        self.lowest = lowest if self.lowest is None else min(self.lowest, lowest)
        self.highest = highest if self.highest is None else max(self.highest, highest)

    def summary(self) -> CodingSummary | None:
        """Return median, range and ways, None where nothing was counted."""
        if self.lowest is None or self.highest is None:
            return None
        middle, below = (sum(self.buckets.values()) + 1) // 2, 0
        for bucket in sorted(self.buckets):
            below += self.buckets[bucket]
            if below >= middle:
                break
        median = min(max(bucket / PER_LEVEL, self.lowest), self.highest)
        return CodingSummary(
            round(median, 3), round(self.lowest, 3), round(self.highest, 3), dict(self.basis)
        )

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> CodingRecord:
        """Return the counts that were written as JSON, which makes keys text."""
        buckets = {int(bucket): int(frames) for bucket, frames in data["buckets"].items()}
        return cls(**{**data, "buckets": buckets})
