"""Families of metrics in the words of prometheus-client, with cumulative buckets."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import accumulate
from typing import TypeVar

from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
)

from vidsr.live.base.counters import BOUNDS_S, Histogram

BATCH_BOUNDS = (1, 2, 4, 8, 16)
Name = TypeVar("Name", bound=str)


def counter(name: str, text: str, *labels: str) -> CounterMetricFamily:
    """Return an empty family of counters; the name is written with ``_total`` at its end."""
    return CounterMetricFamily(name, text, labels=labels)


def gauge(name: str, text: str, *labels: str) -> GaugeMetricFamily:
    """Return an empty family of gauges."""
    return GaugeMetricFamily(name, text, labels=labels)


def histogram(name: str, text: str, *labels: str) -> HistogramMetricFamily:
    """Return an empty family of histograms."""
    return HistogramMetricFamily(name, text, labels=labels)


def add_durations(family: HistogramMetricFamily, labels: list[str], durations: Histogram) -> None:
    """Add a histogram of durations, whose own buckets are not cumulative."""
    bounds = (*(f"{bound:g}" for bound in BOUNDS_S), "+Inf")
    counts = accumulate(durations.buckets)
    family.add_metric(labels, _pairs(bounds, counts), durations.sum_s)


def add_batch_sizes(
    family: HistogramMetricFamily, labels: list[str], counts: Mapping[int, int]
) -> None:
    """Add a histogram of sizes of batches."""
    below = [sum(n for size, n in counts.items() if size <= bound) for bound in BATCH_BOUNDS]
    bounds = (*(f"{bound}" for bound in BATCH_BOUNDS), "+Inf")
    total = sum(size * n for size, n in counts.items())
    family.add_metric(labels, _pairs(bounds, [*below, sum(counts.values())]), total)


def add_each(
    family: CounterMetricFamily | GaugeMetricFamily,
    first: list[str],
    names: Iterable[Name],
    counts: Mapping[Name, float],
) -> None:
    """Add one metric for each name of a closed set, 0 where nothing was counted."""
    for name in names:
        family.add_metric([*first, name], counts.get(name, 0))


def _pairs(bounds: Iterable[str], counts: Iterable[float]) -> list[tuple[str, float]]:
    return list(zip(bounds, counts, strict=True))
