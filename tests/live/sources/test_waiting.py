"""Back-off, the backlog after opening, the pace of files, and the timer of stalls, by the clock."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.live.sources.receiving import Recorder
from vidsr.live.base.backoff import UNANSWERED_S, Backoff
from vidsr.live.base.options import ReconnectOptions, SourceOptions
from vidsr.live.sources.opening.address import parse_address
from vidsr.live.sources.opening.watch import Watch
from vidsr.live.sources.reading.pacing import Drain, Pace


@dataclass(frozen=True)
class At:
    time_s: Fraction | None


def test_waits_double_up_to_the_longest() -> None:
    backoff = Backoff(ReconnectOptions(longest_s=3), lambda low, high: 1.0)
    assert [backoff.wait_s("eof") for _ in range(5)] == [0.5, 1, 2, 3, 3]
    backoff.reset()
    assert backoff.wait_s("eof") == 0.5


def test_nobody_is_bothered_where_nobody_answers() -> None:
    backoff = Backoff(ReconnectOptions(), lambda low, high: 1.0)
    waits = [backoff.wait_s(reason) for reason in ("refused",) * 3 + ("timeout", "eof")]
    assert waits == [0.5, 1, UNANSWERED_S, UNANSWERED_S, 8]


@given(jitter=st.floats(0, 0.9), seed=st.floats(0, 1))
def test_jitter_stays_within_its_bounds(jitter: float, seed: float) -> None:
    options = ReconnectOptions(first_s=1, jitter=jitter)
    wait_s = Backoff(options, lambda low, high: low + seed * (high - low)).wait_s("eof")
    assert 1 - jitter <= wait_s <= 1 + jitter


@given(count=st.integers(1, 60), backlog_s=st.floats(0, 1))
def test_the_old_part_of_a_backlog_is_dropped(count: int, backlog_s: float) -> None:
    drain: Drain[At] = Drain(backlog_s)
    items = [At(Fraction(n, 25)) for n in range(count)]
    given, dropped = [], 0
    for item in items:
        drained = drain.push(item, 0.0, 1.0)
        given += drained.items
        dropped += drained.dropped
    assert not given
    late = drain.push(At(Fraction(count, 25)), 0.04, 1.04)
    assert dropped + late.dropped + len(late.items) == count + 1
    newest = items[-1].time_s or 0
    assert all(newest - (item.time_s or 0) <= backlog_s for item in late.items)
    assert drain.push(At(Fraction(0)), 0.0, 1.05).items  # everything passes from now on


def test_a_picture_without_a_time_goes_with_the_next() -> None:
    drain: Drain[At] = Drain(0.3)
    drain.push(At(None), 0.0, 0.0)
    drain.push(At(Fraction(0)), 0.0, 0.0)
    assert len(drain.finish().items) == 2
    drain = Drain(0.3)
    for time_s in (None, Fraction(0), Fraction(1)):
        drain.push(At(time_s), 0.0, 0.0)
    assert drain.finish().items == [At(Fraction(1))]


def test_a_decoder_that_is_too_slow_ends_the_wait() -> None:
    drain: Drain[At] = Drain(0.3)
    assert not drain.push(At(Fraction(0)), 0.0, 0.0).items
    assert len(drain.push(At(Fraction(1, 25)), 0.0, 2.5).items) == 2


def test_what_has_no_backlog_passes_at_once() -> None:
    drain: Drain[At] = Drain(None)
    assert drain.push(At(Fraction(0)), 0.0, 0.0).items


def test_a_file_keeps_its_pace() -> None:
    pace = Pace()
    assert [pace.due_s(n / 25, 10.0) for n in range(3)] == pytest.approx([10, 10.04, 10.08])
    pace.resume(0.04)
    assert pace.due_s(0.0, 10.1) == pytest.approx(10.12)  # from its beginning again
    assert pace.due_s(0.04, 11.0) == pytest.approx(11.0)  # far too late: the schedule moves
    assert pace.due_s(0.08, 11.0) == pytest.approx(11.04)
    assert pace.due_s(500.0, 11.05) == pytest.approx(11.05, abs=0.01)  # a jump


class Times:
    """A watch whose clock is moved by hand."""

    def __init__(self, text: str = "rtsp://h/c") -> None:
        self.now_s = 100.0
        self.recorder = Recorder()
        over = threading.Event()
        self.watch = Watch(
            self.recorder, parse_address(text), SourceOptions(), over, lambda: self.now_s
        )
        self.watch.connecting()

    def passed(self, seconds: float) -> bool:
        self.now_s += seconds
        return self.watch.waits()


def test_a_stall_is_told_and_then_given_up() -> None:
    times = Times()
    times.watch.packet()
    times.watch.frame()
    assert not times.passed(2.9)
    assert not times.passed(0.2)
    times.watch.packet()
    times.watch.frame()
    assert times.recorder.states == ["connecting", "running", "stalled", "running"]
    assert not times.passed(5)
    assert times.passed(1.1)
    assert times.watch.failure
    assert times.watch.failure.reason == "stall"


def test_packets_alone_are_a_stall_too() -> None:
    times = Times()
    for _ in range(16):
        times.watch.packet()
        assert not times.passed(1)
    times.watch.packet()
    assert times.passed(1.5)
    assert times.watch.failure
    assert times.watch.failure.reason == "decode"


def test_a_peer_that_never_sends_is_given_up() -> None:
    times = Times()
    assert not times.passed(4.9)
    assert times.passed(0.2)
    assert times.watch.failure
    assert times.watch.failure.reason == "timeout"


def test_a_pipe_is_never_given_up() -> None:
    times = Times("-")
    assert not times.passed(1000)
    times.watch.frame()
    assert not times.passed(1000)
    assert times.recorder.states[-1] == "stalled"
