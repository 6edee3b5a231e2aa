"""The way from source to sinks: order, counters that add up, loss, changes of format, the end."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from fractions import Fraction
from itertools import pairwise

import av
import pytest

from tests.live.doubles import (
    SMALL,
    STEP,
    DoublingLevel,
    HandSource,
    MemorySink,
    NumberEncoder,
    source_format,
    until,
)
from tests.live.waits import joins_within
from vidsr.errors import OptionError
from vidsr.live.base.counters import Tally
from vidsr.live.base.formats import CodedFormat, SoundFormat
from vidsr.live.base.items import CLOCK_HZ, CodedPacket
from vidsr.live.base.options import QualityOptions, StreamOptions
from vidsr.live.base.states import Failure
from vidsr.live.schedule.scheduler import Scheduler
from vidsr.live.streams.course import STOP_S, Course
from vidsr.live.streams.feeds import Feeds, iterate
from vidsr.live.streams.measures.record import Identity
from vidsr.live.streams.showing import cadence, output
from vidsr.live.streams.showing.parts import Sinks, Ways
from vidsr.picture.frame import Frame

WAIT = QualityOptions(late="wait")
SOUND = SoundFormat("aac", 48000, "stereo")


@dataclass
class Bench:
    """A stream with all ends in the test's hands."""

    options: StreamOptions = field(default_factory=lambda: StreamOptions(quality=WAIT))
    levels: tuple[DoublingLevel, ...] = field(default_factory=lambda: (DoublingLevel(),))
    source: HandSource = field(default_factory=HandSource)
    sink: MemorySink = field(default_factory=MemorySink)

    @contextmanager
    def running(self, sound: SoundFormat | None = None) -> Iterator[Course]:
        failures: list[int] = []
        self.feeds = Feeds("test", lambda: failures.append(1))
        ways = Ways(
            lambda: self.source,
            lambda *_: Sinks(self.sink, (self.feeds,)),
            NumberEncoder,
            lambda: self.levels,
        )
        identity = Identity("test", "hand", "hand", (("memory", "memory"),), "full")
        with Scheduler(2, threads=1) as scheduler:
            course = Course(identity, self.options, ways, scheduler)
            course.start()
            assert self.source.receiver is not None
            self.source.receiver.format(source_format(sound=sound))
            self.source.receiver.state("running")
            try:
                yield course
            finally:
                course.stop()
        check_sums(course.record.counters.tally())
        assert self.source.frames.back == self.source.frames.lent
        assert all(level.closed for level in self.levels)
        assert self.sink.closed.is_set()

    def end(self, course: Course) -> None:
        """Let the source end, and wait for everything to be passed on."""
        assert self.source.receiver is not None
        self.source.receiver.state("ended")
        assert course.ended.wait(60)


def check_sums(tally: Tally) -> None:
    """Every received frame ended in one counter, and every shown one has a latency."""
    assert tally.in_flight == 0
    assert tally.received == sum(tally.shown.values()) + sum(tally.dropped.values())
    assert tally.latency.count == sum(tally.shown.values())


def test_every_frame_in_order_with_its_time() -> None:
    bench = Bench()
    with bench.running() as course:
        bench.source.give(range(30))
        bench.end(course)
        status = course.status()
    assert bench.sink.numbers == list(range(30))
    assert [packet.pts for packet in bench.sink.video] == [n * STEP for n in range(30)]
    assert status.tally.shown == {"full": 30}
    assert not status.tally.dropped
    assert status.tally.connects == 1
    assert (status.state, status.level, status.levels) == ("ended", "full", ("full",))
    assert (status.size_in, status.size_out) == ((160, 96), (320, 192))
    assert status.latency_p50_s is not None
    assert isinstance(bench.sink.items[0], CodedFormat)


def test_a_slow_level_drops_for_counted_reasons_and_shows_the_newest() -> None:
    options = StreamOptions(quality=QualityOptions(late="drop", deadline_s=0.5))
    bench = Bench(options, (DoublingLevel(seconds=0.05),))
    with bench.running() as course:
        bench.source.give(range(60), pause_s=0.01)
        bench.end(course)
    numbers = bench.sink.numbers
    tally = course.record.counters.tally()
    assert numbers == sorted(set(numbers))
    assert 5 <= len(numbers) < 60
    assert set(tally.dropped) <= {"superseded", "late"}
    assert numbers[-1] >= 55


def test_a_frame_that_fails_is_counted_and_the_stream_goes_on(
    caplog: pytest.LogCaptureFixture,
) -> None:
    bench = Bench(levels=(DoublingLevel(failing=lambda frame: frame.pts == 3 * STEP),))
    with caplog.at_level(logging.ERROR), bench.running() as course:
        bench.source.give(range(6))
        bench.end(course)
    assert bench.sink.numbers == [0, 1, 2, 4, 5]
    assert course.record.counters.tally().dropped == {"failed": 1}
    assert "cannot be upscaled" in caplog.text


def test_a_picture_that_the_encoder_refuses_is_counted_and_logged_once(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    encode, bench = NumberEncoder.encode, Bench()

    def refuse(self: NumberEncoder, frame: Frame, *, clock_ns: int | None = None) -> object:
        if frame.pts in (2 * STEP, 3 * STEP):
            raise OptionError("no such size")
        return encode(self, frame, clock_ns=clock_ns)

    monkeypatch.setattr(NumberEncoder, "encode", refuse)
    with caplog.at_level(logging.ERROR), bench.running() as course:
        bench.source.give(range(6))
        bench.end(course)
    assert bench.sink.numbers == [0, 1, 4, 5]
    assert course.record.counters.tally().dropped == {"failed": 2}
    assert caplog.text.count("no such size") == 1


def test_another_format_is_another_coded_format_between_two_frames() -> None:
    bench = Bench()
    large = replace(SMALL, width=320, height=160)
    with bench.running() as course:
        receiver = bench.source.receiver
        assert receiver is not None
        bench.source.give(range(5))
        assert until(lambda: len(bench.sink.numbers) == 5)
        receiver.format(source_format(large))
        bench.source.give(range(5, 10), large)
        assert until(lambda: len(bench.sink.numbers) == 10)
        receiver.format(source_format(SMALL))
        bench.source.give(range(10, 15))
        bench.end(course)
    formats = [each for each in bench.sink.items if isinstance(each, CodedFormat)]
    assert [each.pictures.width for each in formats] == [320, 640, 320]
    assert bench.sink.numbers == list(range(15))
    assert [p.pts // STEP for p in bench.sink.video if p.key] == [0, 5, 10]


def test_frames_that_a_change_of_format_meets_are_counted_as_that() -> None:
    options = StreamOptions(quality=QualityOptions(late="drop", deadline_s=5.0))
    bench = Bench(options, (DoublingLevel(seconds=0.2),))
    large = replace(SMALL, width=320, height=160)
    with bench.running() as course:
        bench.source.give([0])
        assert until(lambda: course.record.counters.tally().received == 1)
        bench.source.give([1], large)
        bench.end(course)
    assert course.record.counters.tally().dropped == {"format": 1}
    assert bench.sink.numbers == [1]


def test_no_frame_is_lost_by_a_change_of_format_where_all_are_upscaled() -> None:
    bench = Bench(levels=(DoublingLevel(seconds=0.02),))
    large = replace(SMALL, width=320, height=160)
    with bench.running() as course:
        bench.source.give(range(4))
        bench.source.give(range(4, 8), large)
        bench.source.give(range(8, 12))
        bench.end(course)
    assert bench.sink.numbers == list(range(12))
    assert not course.record.counters.tally().dropped


def test_a_lost_source_is_held_then_a_slate_and_comes_back_behind_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(cadence, "HOLD_AFTER_S", 0.05)
    monkeypatch.setattr(cadence, "HOLD_FPS", 50)
    monkeypatch.setattr(output, "SLATE_AFTER_S", 0.2)
    bench = Bench(StreamOptions(quality=WAIT, on_lost="slate"))
    with bench.running() as course:
        receiver = bench.source.receiver
        assert receiver is not None
        bench.source.give(range(3))
        receiver.state("stalled", Failure("eof", "the camera is gone"))
        receiver.state("waiting", Failure("eof", "the camera is gone"))
        assert until(lambda: course.record.counters.tally().fillers.get("slate", 0) >= 2)
        assert course.status().error == "the camera is gone"
        receiver.state("running")
        bench.source.give(range(3, 6), connection=2)
        bench.end(course)
    tally = course.record.counters.tally()
    assert tally.fillers["repeat"] >= 2
    assert tally.failures == {"eof": 1}
    assert tally.connects == 2
    shown = bench.sink.numbers
    assert shown[:3] == [0, 1, 2]
    assert shown[-3:] == [3, 4, 5]
    assert set(shown[3 : 3 + tally.fillers["repeat"]]) == {2}
    assert all(later.pts > before.pts for before, later in pairwise(bench.sink.video))


def test_nothing_is_repeated_where_every_frame_is_awaited(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cadence, "HOLD_AFTER_S", 0.01)
    bench = Bench(levels=(DoublingLevel(seconds=0.1),))
    with bench.running() as course:
        bench.source.give(range(4))
        bench.end(course)
    assert bench.sink.numbers == list(range(4))
    assert not course.record.counters.tally().fillers


def test_a_format_without_a_way_to_upscale_it_is_told_once(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench, join = Bench(), Scheduler.join
    large = replace(SMALL, width=320, height=160)

    def refuse(self: Scheduler, contender: object, levels: object, source: object, **more: object):  # type: ignore[no-untyped-def]
        if source == large:
            raise OptionError("no such size")
        join(self, contender, levels, source, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(Scheduler, "join", refuse)
    with caplog.at_level(logging.ERROR), bench.running() as course:
        bench.source.give(range(2))
        bench.source.give(range(2, 6), large)
        bench.source.give(range(6, 8))
        bench.end(course)
    assert bench.sink.numbers == [0, 1, 6, 7]
    assert course.record.counters.tally().dropped == {"failed": 4}
    assert caplog.text.count("no such size") == 1


def test_a_program_ends_the_stream_in_its_own_function() -> None:
    bench = Bench()
    with bench.running() as course:
        bench.feeds.add(lambda image: course.stop())
        bench.source.give(range(3))
        assert course.ended.wait(60)
    assert bench.sink.closed.is_set()


def test_nothing_is_shown_for_a_lost_source_that_stops() -> None:
    bench = Bench(StreamOptions(quality=WAIT, on_lost="stop", fps=Fraction(25)))
    with bench.running() as course:
        receiver = bench.source.receiver
        assert receiver is not None
        bench.source.give(range(3))
        receiver.state("waiting", Failure("eof", "gone"))
        assert until(lambda: len(bench.sink.numbers) >= 3)
        before = len(bench.sink.numbers)
        time.sleep(0.3)
        assert len(bench.sink.numbers) <= before + 1
        course.stop()


def test_a_grid_has_no_holes_and_says_what_it_drops() -> None:
    bench = Bench(StreamOptions(quality=WAIT, fps=Fraction(25)))
    with bench.running() as course:
        receiver = bench.source.receiver
        assert receiver is not None
        for number in range(30):  # every fifth is missing, and the sixth comes twice as close
            if number % 5 == 4:
                continue
            bench.source.give([number])
        bench.end(course)
    times = [packet.pts for packet in bench.sink.video]
    assert times == list(range(0, times[-1] + 1, STEP))
    tally = course.record.counters.tally()
    assert tally.fillers.get("repeat", 0) == 5
    assert tally.shown["full"] == 24


def test_sound_leaves_a_little_before_its_picture() -> None:
    bench = Bench()
    with bench.running(SOUND) as course:
        receiver = bench.source.receiver
        assert receiver is not None
        for number in range(10):
            receiver.sound(CodedPacket(b"s", "sound", number * STEP, number * STEP, STEP))
        for number in range(8):
            bench.source.give([number])
        bench.end(course)
    packets = [each for each in bench.sink.items if isinstance(each, CodedPacket)]
    assert packets[0].kind == "video"  # by which sinks are opened
    lead, pictures = 2 * STEP, [n for n, each in enumerate(packets) if each.kind == "video"]
    for number in pictures[1:]:
        before = [each.pts for each in packets[:number] if each.kind == "sound"]
        assert max(before) == min(packets[number].pts + lead, 9 * STEP)
    assert [p.pts for p in packets if p.kind == "sound"] == [n * STEP for n in range(10)]
    assert isinstance(bench.sink.items[0], CodedFormat)
    assert bench.sink.items[0].sound == SOUND


def test_a_callbacks_error_is_the_programs_own(caplog: pytest.LogCaptureFixture) -> None:
    bench, seen = Bench(), []

    def on_frame(image: av.VideoFrame) -> None:
        seen.append((image.pts, image.time_base, image.width))
        if len(seen) == 2:
            raise RuntimeError("mine")

    with caplog.at_level(logging.ERROR), bench.running() as course:
        bench.feeds.add(on_frame)
        bench.source.give(range(4))
        bench.end(course)
    assert seen == [(n * STEP, Fraction(1, CLOCK_HZ), 320) for n in range(4)]
    assert "mine" in caplog.text


def test_an_iterator_gets_the_newest_and_ends_with_the_stream() -> None:
    bench = Bench()
    with bench.running() as course:
        pictures = iterate(bench.feeds)

        def feed() -> None:
            bench.source.give(range(40), pause_s=0.002)
            bench.end(course)

        feeder = threading.Thread(target=feed)
        feeder.start()
        times: list[int] = []
        for image in pictures:
            times.append(image.pts or 0)
            time.sleep(0.01)
        feeder.join()
    assert times == sorted(set(times))
    assert 2 <= len(times) < 40
    assert times[-1] == 39 * STEP


def test_a_wish_for_a_key_frame_is_met_by_the_next_picture() -> None:
    bench = Bench()
    with bench.running() as course:
        bench.source.give(range(3))
        assert until(lambda: len(bench.sink.numbers) == 3)
        course.key_frame_wanted()
        bench.source.give(range(3, 6))
        bench.end(course)
    assert [packet.key for packet in bench.sink.video] == [True, False, False, True, False, False]


def test_lost_frames_count_as_received() -> None:
    bench = Bench()
    with bench.running() as course:
        receiver = bench.source.receiver
        assert receiver is not None
        bench.source.give(range(2))
        receiver.lost("corrupt", 3)
        receiver.lost("backlog", 4)
        bench.end(course)
    tally = course.record.counters.tally()
    assert tally.received == 9
    assert tally.dropped == {"corrupt": 3, "backlog": 4}


def test_stopping_in_full_swing_is_quick_and_counts_everything() -> None:
    bench = Bench(levels=(DoublingLevel(seconds=0.03),))
    with bench.running() as course:
        going = threading.Event()

        def feed() -> None:
            for number in range(1000):
                if not going.is_set():
                    bench.source.give([number], pause_s=0.005)

        thread = threading.Thread(target=feed)
        thread.start()
        assert until(lambda: len(bench.sink.numbers) > 3)
        with joins_within(STOP_S):
            course.stop()
        going.set()
        thread.join(60)
        assert not thread.is_alive()
    assert bench.source.stopped.is_set()
    numbers = bench.sink.numbers
    assert numbers == sorted(set(numbers))


def test_pairs_are_copied_while_somebody_looks() -> None:
    bench = Bench(StreamOptions(quality=WAIT, preview_fps=60.0))
    with bench.running() as course:
        bench.source.give(range(2))
        assert until(lambda: len(bench.sink.numbers) == 2)
        watch = course.previews.watch()
        assert watch.newest() is None
        bench.source.give(range(2, 6), pause_s=0.03)
        assert until(lambda: watch.newest() is not None)
        pair = watch.newest()
        assert pair is not None
        assert pair.source is not None
        assert pair.output.format.width == 2 * pair.source.format.width
        assert pair.source.pts == pair.output.pts
        watch.close()
        watch.close()
        assert watch.newest() is None
        bench.end(course)
