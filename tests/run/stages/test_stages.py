"""Stages by name: any number of them, their queues, and how long items are in each."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Iterable, Iterator
from typing import Any

import pytest

from vidsr.run.stages.channel import QueueRule
from vidsr.run.stages.histogram import MAX_ERROR, Histogram
from vidsr.run.stages.pipeline import Stage, each, run_stages


def take(item: int) -> int:
    return 1


def held(count: int) -> Any:
    """A stage that gives each item when ``count`` more have come."""

    def work(items: Iterable[int]) -> Iterator[int]:
        inside: deque[int] = deque()
        for item in items:
            inside.append(item)
            if len(inside) > count:
                yield inside.popleft()
        yield from inside

    return work


def stages(middle: list[Stage], source: Iterable[int], sink: Any = take) -> list[Stage]:
    first = Stage("first", lambda _: iter(source), QueueRule("begin"))
    return [first, *middle, Stage("last", each(sink))]


def test_any_number_of_stages_in_order() -> None:
    seen: list[int] = []
    names: set[str] = set()

    def double(item: int) -> int:
        names.add(threading.current_thread().name)
        return 2 * item

    def keep(item: int) -> int:
        seen.append(item)
        return 1

    middle = [Stage(f"s{n}", each(double), QueueRule(f"q{n}"), here=n == 2) for n in range(4)]
    measures = run_stages(stages(middle, range(50), keep))
    assert seen == [16 * n for n in range(50)]
    assert names == {"vidsr-s0", "vidsr-s1", threading.current_thread().name, "vidsr-s3"}
    assert list(measures.stages) == ["first", "s0", "s1", "s2", "s3", "last"]
    assert list(measures.queues) == ["begin", "q0", "q1", "q2", "q3"]
    assert all(stage.latency.count == 50 for stage in measures.stages.values())
    assert all((q.put, q.dropped) == (50, 0) for q in measures.queues.values())


def test_a_stage_before_the_last_needs_a_queue() -> None:
    with pytest.raises(ValueError, match="stage middle: expected a queue"):
        run_stages(stages([Stage("middle", each(take))], range(3)))


def test_latency_counts_waiting_inside_and_busy_seconds_do_not() -> None:
    def source() -> Iterator[int]:
        for number in range(12):
            time.sleep(0.01)
            yield number

    measures = run_stages(stages([Stage("middle", held(4), QueueRule("q"))], source()))
    middle = measures.stages["middle"]
    assert middle.busy_s < 0.1
    assert middle.latency.percentile_ms(50) >= 4 * 10  # four more had to come
    first = measures.stages["first"]
    assert 10 / (1 + MAX_ERROR) <= first.latency.percentile_ms(50) < 60
    assert first.latency.count == 12


def test_a_source_that_does_not_wait_loses_what_is_not_taken() -> None:
    """As a camera does: its queue drops, and the sink sees the newest."""
    seen: list[int] = []
    gone: list[int] = []

    def slow(item: int) -> int:
        time.sleep(0.02)
        seen.append(item)
        return 1

    def source() -> Iterator[int]:
        for number in range(60):
            time.sleep(0.001)
            yield number

    rule = QueueRule("live", 1, "drop_oldest", dropped=gone.append)
    measures = run_stages([Stage("first", lambda _: source(), rule), Stage("last", each(slow))])
    assert sorted(seen + gone) == list(range(60))
    assert seen == sorted(seen)
    assert seen[-1] == 59
    assert measures.queues["live"].dropped == len(gone) > 0
    assert measures.stages["last"].latency.count == len(seen)


class TestHistogram:
    def test_percentiles_are_within_the_stated_error(self) -> None:
        values = [0.003 * 1.01**n for n in range(2000)]
        histogram = Histogram()
        for value in reversed(values):
            histogram.add(value)
        for percent in (1, 50, 95, 99, 100):
            exact = values[len(values) * percent // 100 - 1]
            assert histogram.percentile_ms(percent) == pytest.approx(exact, rel=MAX_ERROR * 1.01)

    def test_sums_are_those_of_all(self) -> None:
        parts = [Histogram() for _ in range(3)]
        whole = Histogram()
        for number in range(300):
            for one in (parts[number % 3], whole):
                one.add(0.5 + number)
        together = Histogram()
        for part in parts:
            together.merge(part)
        assert together == whole

    def test_a_summary_holds_all_of_it(self) -> None:
        histogram = Histogram()
        for value in (0.0, 1.0, 5.0, 5.0, 1e12):
            histogram.add(value)
        summary = histogram.summary()
        assert summary["count"] == 5
        assert summary["max"] == 1e12
        assert summary["p50"] == pytest.approx(5, rel=MAX_ERROR)
        assert Histogram.parse(summary) == histogram

    def test_an_empty_one(self) -> None:
        assert Histogram().percentile_ms(50) == 0
        assert Histogram.parse(Histogram().summary()) == Histogram()
