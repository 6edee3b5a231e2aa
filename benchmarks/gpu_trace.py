"""Reader of a profiler's Chrome trace, for one thing: how much copying lies under computing."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

Interval = tuple[float, float]


def overlap(path: Path) -> dict[str, Any]:
    """Return microseconds of kernels and of bus copies, and the share of copies under kernels.

    The share is None if nothing was copied.
    """
    opener = gzip.open if path.suffix == ".gz" else open
    with opener(path, "rt") as file:
        events = json.load(file)["traceEvents"]
    kernels = union(_intervals(events, "kernel", ""))
    copies = union(
        [*_intervals(events, "gpu_memcpy", "HtoD"), *_intervals(events, "gpu_memcpy", "DtoH")]
    )
    copied, under = length(copies), length(common(copies, kernels))
    whole = (
        length([(min(a for a, _ in both), max(b for _, b in both))])
        if (both := [*kernels, *copies])
        else 0.0
    )
    return {
        "kernels_us": length(kernels),
        "copies_us": copied,
        "whole_us": whole,
        "kernels_share_of_time": length(kernels) / whole if whole else None,
        "copies_under_kernels": under / copied if copied else None,
    }


def _intervals(events: Iterable[dict[str, Any]], category: str, part: str) -> list[Interval]:
    return [
        (float(e["ts"]), float(e["ts"]) + float(e["dur"]))
        for e in events
        if e.get("ph") == "X" and e.get("cat") == category and part in e.get("name", "")
    ]


def union(intervals: Iterable[Interval]) -> list[Interval]:
    """Return sorted intervals that do not touch, covering the same."""
    out: list[Interval] = []
    for start, stop in sorted(intervals):
        if out and start <= out[-1][1]:
            out[-1] = out[-1][0], max(out[-1][1], stop)
        else:
            out.append((start, stop))
    return out


def common(first: list[Interval], second: list[Interval]) -> list[Interval]:
    """Return the parts that lie in both of two unions."""
    out: list[Interval] = []
    i = j = 0
    while i < len(first) and j < len(second):
        start, stop = max(first[i][0], second[j][0]), min(first[i][1], second[j][1])
        if start < stop:
            out.append((start, stop))
        if first[i][1] < second[j][1]:
            i += 1
        else:
            j += 1
    return out


def length(intervals: Iterable[Interval]) -> float:
    return sum(stop - start for start, stop in intervals)
