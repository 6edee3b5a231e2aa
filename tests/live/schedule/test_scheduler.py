"""The scheduler's threads: one end for every frame, order, errors, departures, back-pressure."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
import torch

from tests.live.schedule.streams import TINY, Stream, StubLevel, until
from tests.live.waits import joins_within
from vidsr.errors import OptionError
from vidsr.live.schedule.policy.rules import Rules
from vidsr.live.schedule.scheduler import Scheduler


@pytest.fixture
def scheduler() -> Iterator[Scheduler]:
    with Scheduler(2) as made:
        yield made


def join(scheduler: Scheduler, stream: Stream, *levels: StubLevel, **terms: Any) -> None:
    """Join and wait until the levels are warm."""
    scheduler.join(stream, levels, TINY, **terms)
    until(lambda: scheduler.level(stream) is not None)


def send(scheduler: Scheduler, stream: Stream, count: int = 1) -> None:
    for _ in range(count):
        scheduler.submit(stream, stream.arrival())


def test_frames_come_out_in_order_and_their_planes_go_back(scheduler: Scheduler) -> None:
    stream = Stream()
    join(scheduler, stream, StubLevel())
    for number in range(30):
        send(scheduler, stream)
        until(lambda: stream.ended > number)  # noqa: B023
    assert stream.levels == {"full": 30}
    assert scheduler.leave(stream)
    stream.check()


def test_the_newest_frame_wins_while_the_worker_has_another(scheduler: Scheduler) -> None:
    stream, gate = Stream(deadline_s=30), threading.Event()
    level = StubLevel(gate=gate)
    join(scheduler, stream, level)
    send(scheduler, stream)
    until(lambda: level.calls == 1)
    send(scheduler, stream, 5)
    assert stream.dropped == {"superseded": 4}
    gate.set()
    until(lambda: stream.ended == 6)
    assert stream.delivered == [0, 5]


def test_two_workers_on_one_stream_keep_its_order(scheduler: Scheduler) -> None:
    """The first frame is held; the second is done before it and comes out after it."""
    stream, gate = Stream(deadline_s=30), threading.Event()

    class FirstWaits(StubLevel):
        def upscale(self, frame: Any) -> Any:
            if frame.pts == 0:
                assert gate.wait(60)
            self.calls += 1
            return super().upscale(frame)

    level = FirstWaits(side_by_side=2)
    join(scheduler, stream, level)
    send(scheduler, stream)
    until(lambda: not scheduler._members[stream].lane.waiting)
    send(scheduler, stream)
    until(lambda: level.calls == 2)
    assert stream.delivered == []
    gate.set()
    until(lambda: stream.ended == 2)
    assert stream.delivered == [0, 1]


def test_a_stream_that_waits_holds_its_source_back(scheduler: Scheduler) -> None:
    stream, gate = Stream(), threading.Event()
    join(scheduler, stream, StubLevel(gate=gate), late="wait")
    source = threading.Thread(target=send, args=(scheduler, stream, 20))
    source.start()
    until(lambda: stream.sent >= 4)
    time.sleep(0.05)
    assert stream.sent <= 7  # one in work, four that wait, one at the door
    gate.set()
    source.join(60)
    until(lambda: stream.ended == 20)
    assert stream.delivered == list(range(20))
    assert not stream.dropped


def test_leaving_lets_a_source_go_that_is_held_back(scheduler: Scheduler) -> None:
    stream, gate = Stream(), threading.Event()
    level = StubLevel(gate=gate)
    join(scheduler, stream, level, late="wait")
    source = threading.Thread(target=send, args=(scheduler, stream, 12))
    source.start()
    until(lambda: level.calls == 1 and stream.sent >= 5)
    assert not scheduler.leave(stream, timeout_s=0.01), "one is in work still"
    source.join(60)
    assert not source.is_alive()
    gate.set()
    until(lambda: stream.ended == 12)
    assert stream.dropped == {"stopped": 12}
    stream.check()


def test_draining_loses_no_frame_where_the_format_changes(scheduler: Scheduler) -> None:
    stream, gate = Stream(), threading.Event()
    level = StubLevel(gate=gate)
    join(scheduler, stream, level, late="wait")
    assert scheduler.drain(stream)
    send(scheduler, stream, 4)
    assert not scheduler.drain(stream, timeout_s=0.01)
    gate.set()
    assert scheduler.drain(stream, timeout_s=20)
    assert scheduler.leave(stream)
    assert scheduler.drain(stream)
    join(scheduler, stream, level, late="wait")
    send(scheduler, stream)
    assert scheduler.drain(stream, timeout_s=20)
    assert stream.delivered == [0, 1, 2, 3, 4]
    stream.check()


@pytest.mark.parametrize("error", [ValueError("bad"), MemoryError(), SystemExit(1)])
def test_an_error_is_one_frames_and_its_streams(scheduler: Scheduler, error: Exception) -> None:
    class Watch:
        def __init__(self) -> None:
            self.failed: list[tuple[str, BaseException]] = []

        def level_changed(self, direction: str, level: str) -> None: ...

        def level_failed(self, level: str, error: BaseException) -> None:
            self.failed.append((level, error))

    bad, good, watch = Stream("bad"), Stream("good"), Watch()
    join(scheduler, bad, StubLevel(error=error), late="drop", watcher=watch)
    join(scheduler, good, StubLevel())
    for number in range(6):
        send(scheduler, bad)
        send(scheduler, good)
        until(lambda: bad.ended + good.ended == 2 * number + 2)  # noqa: B023
    assert bad.dropped == {"failed": 6}
    assert watch.failed == [("full", error)] * 6
    assert len(good.delivered) == 6
    assert all(thread.is_alive() for thread in scheduler._threads)


def test_after_an_error_the_next_level_serves(scheduler: Scheduler) -> None:
    stream = Stream()
    levels = StubLevel(error=MemoryError(), takes_s=0.001), StubLevel("bicubic")
    scheduler.join(stream, levels, TINY)
    until(lambda: scheduler.level(stream) == "full")
    for number in range(5):
        send(scheduler, stream)
        until(lambda: stream.ended == number + 1)  # noqa: B023
    assert stream.dropped == {"failed": 1}
    assert stream.levels == {"bicubic": 4}


def test_a_level_that_cannot_be_warmed_is_left_out(scheduler: Scheduler) -> None:
    stream = Stream()
    join(scheduler, stream, StubLevel(warm_error=ValueError("no room")), StubLevel("bicubic"))
    send(scheduler, stream)
    until(lambda: stream.ended == 1)
    assert stream.levels == {"bicubic": 1}


def test_where_nothing_can_be_warmed_every_frame_says_so(scheduler: Scheduler) -> None:
    stream = Stream()
    error = ValueError("no room")
    join(scheduler, stream, StubLevel(warm_error=error, error=error), late="drop")
    send(scheduler, stream)
    until(lambda: stream.ended == 1)
    assert stream.dropped == {"failed": 1}


def test_a_streams_own_error_ends_no_worker(
    scheduler: Scheduler, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(_: object) -> None:
        raise ValueError("the stream's own")

    stream = Stream(on_deliver=fail)
    join(scheduler, stream, StubLevel())
    for number in range(3):
        send(scheduler, stream)
        until(lambda: stream.ended == number + 1)  # noqa: B023
    assert "the stream's own" in caplog.text
    assert all(thread.is_alive() for thread in scheduler._threads)


def test_frames_before_the_levels_are_warm_wait_and_are_superseded(scheduler: Scheduler) -> None:
    warm = threading.Event()

    class Slow(StubLevel):
        def warm(self, source: Any) -> float:
            assert warm.wait(60)
            return 0.001

    stream = Stream(deadline_s=30)
    scheduler.join(stream, [Slow()], TINY)
    send(scheduler, stream, 3)
    assert scheduler.level(stream) is None
    warm.set()
    until(lambda: stream.ended == 3)
    assert stream.delivered == [2]


def test_the_fastest_level_serves_while_the_best_is_being_warmed(scheduler: Scheduler) -> None:
    warm = threading.Event()

    class Slow(StubLevel):
        def warm(self, source: Any) -> float:
            assert warm.wait(60)
            return 0.001

    stream = Stream()
    join(scheduler, stream, Slow(), StubLevel("bicubic"))
    send(scheduler, stream)
    until(lambda: stream.ended == 1)
    warm.set()
    until(lambda: scheduler.level(stream) == "full")
    send(scheduler, stream)
    until(lambda: stream.ended == 2)
    assert stream.levels == {"bicubic": 1, "full": 1}


def test_leaving_from_within_a_delivery(scheduler: Scheduler) -> None:
    stream = Stream(on_deliver=lambda _: answers.append(scheduler.leave(stream)))
    answers: list[bool] = []
    join(scheduler, stream, StubLevel())
    send(scheduler, stream)
    until(lambda: bool(answers))
    send(scheduler, stream)
    assert stream.dropped == {"stopped": 1}
    stream.check()


def test_stopping_ends_everything_in_time() -> None:
    scheduler, gate = Scheduler(1), threading.Event()
    stream = Stream()
    level = StubLevel(gate=gate)
    join(scheduler, stream, level)
    send(scheduler, stream, 3)
    until(lambda: level.calls == 1)
    with joins_within(0.2):
        assert not scheduler.stop(timeout_s=0.2)  # while the worker cannot end
    gate.set()
    assert scheduler.stop(timeout_s=10)
    until(lambda: stream.ended == 3)
    stream.check()
    with pytest.raises(OptionError, match="stopped"):
        scheduler.join(Stream(), [StubLevel()], TINY)


def test_a_batch_of_cameras_is_one_call_on_the_simulated_device() -> None:
    gate, holder = threading.Event(), Stream("holder", deadline_s=30)
    with Scheduler(1) as scheduler:
        blocker = StubLevel(gate=gate)
        join(scheduler, holder, blocker)
        streams = [Stream(f"camera {i}", deadline_s=30) for i in range(3)]
        level = StubLevel(key="engine")
        for stream in streams:
            join(scheduler, stream, level)
        send(scheduler, holder)
        until(lambda: blocker.calls == 1)
        for stream in streams:
            send(scheduler, stream)
        gate.set()
        until(lambda: all(stream.ended == 1 for stream in streams))
        assert level.batches == [(3, 4)]
        assert scheduler.usage().batches == {1: 1, 3: 1}
    for stream in streams:
        stream.check()


def test_workers_have_their_share_of_threads_and_nobody_else_notices() -> None:
    before, seen = torch.get_num_threads(), list[int]()
    torch.set_num_threads(4)
    try:
        with Scheduler(2) as scheduler:
            stream = Stream(on_deliver=lambda _: seen.append(torch.get_num_threads()))
            join(scheduler, stream, StubLevel())
            send(scheduler, stream)
            until(lambda: bool(seen))
            other = threading.Thread(target=lambda: seen.append(torch.get_num_threads()))
            other.start()
            other.join()
            assert seen == [2, 4]
            assert torch.get_num_threads() == 4
    finally:
        torch.set_num_threads(before)


@pytest.mark.parametrize("arguments", [{"workers": 0}, {"workers": 1, "threads": 0}])
def test_numbers_below_one_are_refused(arguments: dict[str, int]) -> None:
    with pytest.raises(OptionError, match="expected 1 or more"):
        Scheduler(**arguments)  # type: ignore[arg-type]


def test_a_stream_joins_once_and_with_levels(scheduler: Scheduler) -> None:
    stream = Stream()
    with pytest.raises(OptionError, match="levels"):
        scheduler.join(stream, [], TINY)
    join(scheduler, stream, StubLevel())
    with pytest.raises(OptionError, match="already"):
        scheduler.join(stream, [StubLevel()], TINY)
    assert scheduler.leave(stream)
    assert scheduler.leave(stream)


def test_overload_on_this_machine_goes_down_the_ladder_and_all_adds_up() -> None:
    """25 frames a second of 80 ms each on one worker: twice what it can do."""
    stream = Stream()
    with Scheduler(1) as scheduler:
        levels = [StubLevel("full", 0.08), StubLevel("fast", 0.02), StubLevel("bicubic", 0.001)]
        join(scheduler, stream, *levels)
        for _ in range(50):
            send(scheduler, stream)
            time.sleep(0.04)
    stream.check()
    assert stream.levels["fast"] + stream.levels["bicubic"] > stream.levels["full"]
    assert not stream.dropped.keys() - {"superseded", "late", "stopped"}


def test_many_threads_submit_join_and_leave_at_once() -> None:
    """What comes from everywhere ends somewhere, once."""
    with Scheduler(2) as scheduler:

        def live(stream: Stream) -> None:
            for _ in range(5):
                scheduler.join(stream, [StubLevel("full", 0.001), StubLevel("bicubic")], TINY)
                send(scheduler, stream, 20)
                assert scheduler.leave(stream, timeout_s=20)
                send(scheduler, stream)

        streams = [Stream(str(number)) for number in range(4)]
        threads = [threading.Thread(target=live, args=(stream,)) for stream in streams]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
    for stream in streams:
        assert stream.sent == 105
        stream.check()


def test_a_level_that_was_slow_when_it_was_warmed_is_measured_anew() -> None:
    class Busy(StubLevel):
        warmed = 0

        def warm(self, source: Any) -> float:
            self.warmed += 1
            return 0.5 if self.warmed == 1 else 0.0001

    rules = Rules(measure_s=0.05, climb_frames=3, climb_apart_s=0.0)
    stream, full = Stream(deadline_s=0.2), Busy()
    with Scheduler(1, rules=rules) as scheduler:
        join(scheduler, stream, full, StubLevel("fast"))
        until(lambda: scheduler.is_warm(stream))
        assert scheduler.level(stream) == "fast"

        def climbed() -> bool:
            send(scheduler, stream)
            return stream.levels["full"] > 0

        until(climbed)
    assert full.warmed >= 2
    assert stream.levels["fast"] >= 3
    stream.check()
