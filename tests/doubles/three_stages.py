"""A run of three stages in one call, as tests of the pipeline make many of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

from vidsr.run.stages.pipeline import StageTimes, run_stages, three_stages

A = TypeVar("A")
B = TypeVar("B")


def run_pipeline(
    source: Iterable[A],
    transform: Callable[[Iterable[A]], Iterator[B]],
    sink: Callable[[B], None],
    *,
    capacity: int = 2,
    weigh: Callable[[A | B], int] = lambda _: 1,
) -> StageTimes:
    """Run ``three_stages`` and return the seconds each was at work."""
    stages = three_stages(source, transform, sink, capacity=capacity, weigh=weigh)
    return StageTimes.of(run_stages(stages))
