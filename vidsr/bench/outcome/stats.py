"""Statistics of samples: quantiles of a run, and how far runs differ."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import median


@dataclass(frozen=True)
class Quantiles:
    """Quantiles: 50, 95 and 99 of a hundred samples are at most this."""

    p50: float
    p95: float
    p99: float


@dataclass(frozen=True)
class Spread:
    """Median, least and greatest of the repeats of a measurement."""

    median: float
    low: float
    high: float


def percentile(samples: Sequence[float], percent: float) -> float:
    """Return the least sample that ``percent`` of a hundred do not exceed (nearest rank).

    Raises ValueError for no samples.
    """
    if not samples:
        raise ValueError("expected at least 1 sample, got none")
    rank = max(1, math.ceil(percent / 100 * len(samples)))
    return sorted(samples)[rank - 1]


def quantiles(samples: Sequence[float]) -> Quantiles:
    p50, p95, p99 = (percentile(samples, percent) for percent in (50, 95, 99))
    return Quantiles(p50, p95, p99)


def spread(repeats: Iterable[float]) -> Spread:
    values = list(repeats)
    return Spread(median(values), min(values), max(values))


def ratios(above: Sequence[float], below: Sequence[float]) -> Spread:
    """Divide two measurements that took turns, repeat by repeat: what disturbs both cancels out."""
    return spread(a / b for a, b in zip(above, below, strict=True))
