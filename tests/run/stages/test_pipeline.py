"""Three stages and two queues: order, bounds, and one error however many stages fail."""

from __future__ import annotations

import gc
import os
import signal
import threading
import time
import weakref
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.doubles.three_stages import run_pipeline
from vidsr.run.stages.channel import Cancelled, Channel, QueueRule
from vidsr.run.stages.pipeline import StageTimes, each
from vidsr.upscaling.memory_plan import FRAMES_IN_FLIGHT

Stage = Callable[[Iterable[int]], Iterator[int]]
STUCK_S = 60.0  # far above what any of these runs takes, even on a busy machine


class Broken(Exception):
    """What a stage raises here."""


class Item:
    """Something whose life can be watched, unlike an int."""

    alive = 0
    most = 0
    lock = threading.Lock()

    def __init__(self, number: int) -> None:
        self.number = number
        with Item.lock:
            Item.alive += 1
            Item.most = max(Item.most, Item.alive)
        weakref.finalize(self, Item.gone)

    @classmethod
    def gone(cls) -> None:
        with cls.lock:
            cls.alive -= 1


def vidsr_threads() -> list[str]:
    return [t.name for t in threading.enumerate() if t.name.startswith("vidsr-")]


@pytest.fixture(autouse=True)
def _no_thread_stays() -> Iterator[None]:
    yield
    assert vidsr_threads() == []


def within(limit_s: float, work: Callable[[], None]) -> None:
    """Run ``work`` in a thread; a deadlock fails the test and does not hang it."""
    caught: list[BaseException] = []

    def body() -> None:
        try:
            work()
        except BaseException as error:
            caught.append(error)

    thread = threading.Thread(target=body, daemon=True)
    thread.start()
    thread.join(limit_s)
    assert not thread.is_alive(), "deadlock"
    if caught:
        raise caught[0]


def failing(items: Iterable[int], at: int | None, error: BaseException) -> Iterator[int]:
    for item in items:
        if item == at:
            raise error
        yield item


def raiser(at: int | None, error: BaseException) -> Callable[[int], int]:
    def stage(item: int) -> int:
        if item == at:
            raise error
        return item

    return stage


def test_order_is_kept_and_every_item_arrives() -> None:
    seen: list[int] = []
    run_pipeline(range(500), each(lambda x: x * 3), seen.append)
    assert seen == [3 * x for x in range(500)]


def test_an_empty_source_ends() -> None:
    seen: list[int] = []
    run_pipeline([], each(lambda x: x), seen.append)
    assert seen == []


def test_stages_overlap_and_the_transform_runs_in_the_callers_thread() -> None:
    names: dict[str, str] = {}

    def source() -> Iterator[int]:
        names["source"] = threading.current_thread().name
        yield 1

    def sink(_: int) -> None:
        names["sink"] = threading.current_thread().name

    def transform(item: int) -> int:
        names["transform"] = threading.current_thread().name
        return item

    run_pipeline(source(), each(transform), sink)
    assert names["transform"] == threading.current_thread().name
    assert len(set(names.values())) == 3


def test_times_are_of_work_not_of_waiting() -> None:
    def slow(_: int) -> None:
        time.sleep(0.02)

    times = run_pipeline(range(10), each(lambda x: x), slow)
    assert isinstance(times, StageTimes)
    assert times.encode_s >= 10 * 0.02
    assert times.decode_s < 0.1  # it waited for the sink nearly all the time
    assert times.transform_s < 0.1


@pytest.mark.parametrize("slow", ["source", "transform", "sink"])
def test_only_a_few_items_live_at_once(slow: str) -> None:
    """Inputs and outputs each stay within what the memory plan counts on."""

    def wait(stage: str) -> None:
        time.sleep(0.01 if stage == slow else 0)

    def source() -> Iterator[Item]:
        for number in range(25):
            wait("source")
            yield Item(number)

    def same(item: Item) -> int:
        wait("transform")
        return item.number

    def made(number: int) -> Item:
        wait("transform")
        return Item(number)

    runs: tuple[Callable[[], object], ...] = (
        lambda: run_pipeline(source(), each(same), lambda _: wait("sink")),
        lambda: run_pipeline(range(25), each(made), lambda _: wait("sink")),
    )
    for run in runs:
        gc.collect()
        Item.alive = Item.most = 0
        run()
        # One more while a loop variable still names the item before.
        assert 1 <= Item.most <= FRAMES_IN_FLIGHT + 1


@pytest.mark.parametrize("stage", ["source", "transform", "sink"])
@pytest.mark.parametrize("at", [0, 1, 7, 39])
def test_an_error_is_raised_once_as_it_is(stage: str, at: int) -> None:
    error = Broken(stage)
    where = {name: at if name == stage else None for name in ("source", "transform", "sink")}
    with pytest.raises(Broken) as caught:
        run_pipeline(
            failing(range(40), where["source"], error),
            each(raiser(where["transform"], error)),
            raiser(where["sink"], error),  # type: ignore[arg-type]
        )
    assert caught.value is error
    assert vidsr_threads() == []


def test_a_source_that_cannot_even_start() -> None:
    class Unstartable:
        def __iter__(self) -> Iterator[int]:
            raise Broken

    with pytest.raises(Broken):
        run_pipeline(Unstartable(), each(lambda x: x), lambda _: None)


def test_all_failing_at_once_gives_one_of_the_errors() -> None:
    for _ in range(50):
        together = threading.Barrier(3)
        errors = [Broken("source"), Broken("transform"), Broken("sink")]
        with pytest.raises(Broken) as caught:
            run_pipeline(*all_fail(together, errors))
        assert caught.value in errors
        assert vidsr_threads() == []


def all_fail(
    together: threading.Barrier, errors: list[Broken]
) -> tuple[Iterator[int], Stage, Callable[[int], None]]:
    """Stages that meet first: the sink at item 0, the transform at 1, the source after both."""

    def source() -> Iterator[int]:
        yield from (0, 1)
        together.wait(STUCK_S)
        raise errors[0]

    def transform(item: int) -> int:
        if item == 1:
            together.wait(STUCK_S)
            raise errors[1]
        return item

    def sink(_: int) -> None:
        together.wait(STUCK_S)
        raise errors[2]

    return source(), each(transform), sink


@pytest.mark.parametrize("stage", ["source", "transform", "sink"])
def test_interrupts_and_exits_pass_through_every_stage(stage: str) -> None:
    for error in (KeyboardInterrupt(), SystemExit(3), GeneratorExit()):
        where = {name: 5 if name == stage else None for name in ("source", "transform", "sink")}
        with pytest.raises(type(error)) as caught:
            run_pipeline(
                failing(range(40), where["source"], error),
                each(raiser(where["transform"], error)),
                raiser(where["sink"], error),  # type: ignore[arg-type]
            )
        assert caught.value is error


def interrupt() -> None:
    """As Ctrl-C does: Python has the main thread handle it."""
    os.kill(os.getpid(), signal.SIGINT)


def test_ctrl_c_while_the_last_item_is_encoded_waits_for_the_encoder() -> None:
    """Whoever called closes the file next: no thread may still be writing to it."""
    done: list[int] = []

    def sink(item: int) -> None:
        interrupt()
        time.sleep(0.3)
        done.append(item)

    with pytest.raises(KeyboardInterrupt):
        run_pipeline([1], each(lambda x: x), sink)
    assert done == [1]
    assert vidsr_threads() == []


def test_ctrl_c_while_waiting_for_a_frame() -> None:
    encoded = threading.Event()
    seen: list[int] = []

    def source() -> Iterator[int]:
        yield 1
        assert encoded.wait(STUCK_S)
        interrupt()
        time.sleep(0.3)
        yield 2

    def sink(item: int) -> None:
        seen.append(item)
        encoded.set()

    with pytest.raises(KeyboardInterrupt):
        run_pipeline(source(), each(lambda x: x), sink)
    assert seen == [1]


@pytest.mark.parametrize("stage", ["none", "transform", "sink"])
def test_a_generator_is_closed_when_the_run_is_over(stage: str) -> None:
    """Held by a name here, so that counting references cannot have done it."""
    closed: list[str] = []

    def generate() -> Iterator[int]:
        try:
            yield from range(100)
        finally:
            closed.append(threading.current_thread().name)

    source, error = generate(), Broken()
    try:
        run_pipeline(
            source,
            each(raiser(3 if stage == "transform" else None, error)),
            raiser(3 if stage == "sink" else None, error),  # type: ignore[arg-type]
        )
    except Broken:
        assert stage != "none"
    assert closed == ["vidsr-decode"]


def test_an_error_of_closing_does_not_hide_the_first() -> None:
    def generate() -> Iterator[int]:
        try:
            yield from range(100)
        finally:
            raise Broken("closing")

    error = Broken("first")
    with pytest.raises(Broken) as caught:
        run_pipeline(generate(), each(raiser(3, error)), lambda _: None)
    assert caught.value is error


def weigh(item: Any) -> int:
    """As in a real run: frames (here: even numbers) count, packets do not."""
    return int(item % 2 == 0)


def test_packets_pass_a_queue_full_of_frames() -> None:
    channel: Channel[int] = Channel(QueueRule("", 2, weigh=weigh))
    for item in (0, 2, *range(1, 2001, 2)):
        channel.put(item)  # would wait for ever if packets had to have room
    channel.finish()
    assert len(list(channel)) == 1002


def test_packets_are_bounded_too() -> None:
    channel: Channel[int] = Channel(QueueRule("", 2, weigh=weigh))
    put = 0

    def fill() -> None:
        nonlocal put
        for _ in range(3 * Channel.LIGHT_ITEMS):
            channel.put(1)
            put += 1

    thread = threading.Thread(target=fill)
    with pytest.raises(Cancelled):
        thread_error(thread, channel, lambda: put)
    assert put == Channel.LIGHT_ITEMS


def thread_error(thread: threading.Thread, channel: Channel[int], count: Callable[[], int]) -> None:
    """Start, wait until the count stands still, cancel; raise what the channel then raises."""
    caught: list[BaseException] = []
    hook, threading.excepthook = threading.excepthook, lambda args: caught.append(args.exc_value)  # type: ignore[arg-type]
    try:
        thread.start()
        before = -1
        while before != count():
            before = count()
            time.sleep(0.1)
        channel.cancel()
        thread.join()
    finally:
        threading.excepthook = hook
    raise caught[0]


def test_a_burst_of_packets_before_a_slow_sink_gets_through() -> None:
    items = [0, *[1] * (2 * Channel.LIGHT_ITEMS + 7), 2, 4, 6, 8]
    seen: list[int] = []

    def sink(item: int) -> None:
        time.sleep(0.02 if weigh(item) else 0)
        seen.append(item)

    within(STUCK_S, lambda: void(run_pipeline(items, each(lambda x: x), sink, weigh=weigh)))
    assert seen == items


def void(_: object) -> None:
    """For lambdas that must give nothing."""


class TestChannel:
    def test_first_in_first_out_until_finished(self) -> None:
        channel: Channel[str] = Channel(QueueRule("", 3))
        for item in "abc":
            channel.put(item)
        channel.finish()
        assert list(channel) == ["a", "b", "c"]
        assert list(channel) == []

    def test_put_waits_for_room(self) -> None:
        channel: Channel[int] = Channel(QueueRule("", 1))
        channel.put(1)
        second = threading.Thread(target=channel.put, args=(2,))
        second.start()
        second.join(0.1)
        assert second.is_alive()
        assert next(iter(channel)) == 1
        second.join(STUCK_S)
        assert not second.is_alive()

    def test_an_item_heavier_than_the_queue_passes_alone(self) -> None:
        channel: Channel[int] = Channel(QueueRule("", 2, weigh=lambda x: x))
        channel.put(9)
        assert next(iter(channel)) == 9

    def test_cancel_drops_what_waits_and_wakes_both_ends(self) -> None:
        channel: Channel[int] = Channel(QueueRule("", 1))
        channel.put(1)
        channel.cancel()
        with pytest.raises(Cancelled):
            channel.put(2)
        with pytest.raises(Cancelled):
            next(iter(channel))

    def test_cancel_wakes_a_waiting_reader(self) -> None:
        channel: Channel[int] = Channel(QueueRule("", 1))
        timer = threading.Timer(0.1, channel.cancel)
        timer.start()
        with pytest.raises(Cancelled):
            next(iter(channel))
        timer.join()

    def test_cancel_wins_over_finish(self) -> None:
        channel: Channel[int] = Channel(QueueRule("", 1))
        channel.put(1)
        channel.finish()
        channel.cancel()
        with pytest.raises(Cancelled):
            list(channel)


@settings(deadline=None, max_examples=150)
@given(
    count=st.integers(0, 30),
    capacity=st.integers(1, 4),
    packets=st.booleans(),
    faults=st.dictionaries(
        st.sampled_from(["source", "transform", "sink"]), st.integers(0, 30), max_size=3
    ),
    yields=st.lists(st.integers(0, 2), min_size=3, max_size=3),
)
def test_any_schedule_ends_with_everything_or_with_one_error(
    count: int, capacity: int, packets: bool, faults: dict[str, int], yields: list[int]
) -> None:
    errors = {name: Broken(name) for name in faults}
    seen: list[int] = []

    def pause(stage: int) -> None:
        for _ in range(yields[stage]):
            time.sleep(0)

    def check(stage: str, item: int) -> None:
        if faults.get(stage) == item:
            raise errors[stage]

    def source() -> Iterator[int]:
        for item in range(count):
            pause(0)
            check("source", item)
            yield item

    def transform(item: int) -> int:
        pause(1)
        check("transform", item)
        return item

    def sink(item: int) -> None:
        pause(2)
        check("sink", item)
        seen.append(item)

    def run() -> None:
        weight = weigh if packets else (lambda _: 1)
        void(run_pipeline(source(), each(transform), sink, capacity=capacity, weigh=weight))

    happens = {name for name, at in faults.items() if at < count}
    if not happens:
        within(STUCK_S, run)
        assert seen == list(range(count))
    else:
        with pytest.raises(Broken) as caught:
            within(STUCK_S, run)
        assert caught.value in [errors[name] for name in happens]
        assert seen == list(range(len(seen)))
        assert len(seen) <= min(faults[name] for name in happens)
    assert vidsr_threads() == []
