"""A run as stages in threads of their own, with a bounded queue between each two."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any, TypeVar

from vidsr.run.stages.channel import Cancelled, Channel, QueueCounts, QueueRule, WhenFull, keep
from vidsr.run.stages.stage_clock import StageClock, StageMeasure

A = TypeVar("A")
B = TypeVar("B")


def _nothing() -> None:
    """Do nothing: most stages wait for no one but their queues."""


@dataclass(frozen=True)
class Stage:
    """One step of a run, from items to items.

    The first stage of a run is called with no items, and the results of the last are the weights
    of what it has taken, 0 or 1.

    Args:
        name: What it is called in reports, and in the name of its thread.
        work: A function from an iterable of items to an iterator of results. It may hold items
            back; those that have a weight come out in the order in which they went in.
        queue: The rule of the queue behind it; None for the last stage.
        here: True to run in the thread that called, in which Ctrl-C lands; for one at most.
        stop: A function that ends what the stage may wait for outside of the run, from any thread.
    """

    name: str
    work: Callable[[Iterable[Any]], Iterator[Any]]
    queue: QueueRule | None = None
    here: bool = False
    stop: Callable[[], None] = _nothing


@dataclass
class Measures:
    """The measures of a run: each stage by its name, each queue by its name."""

    stages: dict[str, StageMeasure] = field(default_factory=dict)
    queues: dict[str, QueueCounts] = field(default_factory=dict)


@dataclass
class StageTimes:
    """The seconds that each stage of a file's run was at work, waiting left out.

    Args:
        decode_s: Seconds of reading and decoding.
        transform_s: Seconds of upscaling, colour conversion included.
        encode_s: Seconds of encoding and writing.
    """

    decode_s: float = 0.0
    transform_s: float = 0.0
    encode_s: float = 0.0

    @classmethod
    def of(cls, measures: Measures) -> StageTimes:
        """Return the times of a run of three stages."""
        return cls(*(stage.busy_s for stage in measures.stages.values()))

    def merge(self, other: StageTimes) -> None:
        """Add the seconds of another run."""
        self.decode_s += other.decode_s
        self.transform_s += other.transform_s
        self.encode_s += other.encode_s


@dataclass
class _Run:
    """The state that all stages share: the first error wins; whoever fails cancels everybody."""

    channels: list[Channel[Any]]
    stops: Sequence[Callable[[], None]] = ()
    error: BaseException | None = None
    lock: threading.Lock = field(default_factory=threading.Lock)

    def fail(self, error: BaseException) -> None:
        with self.lock:
            if self.error is None and not isinstance(error, Cancelled):
                self.error = error
        for channel in self.channels:
            channel.cancel()
        for stop in self.stops:
            stop()


@dataclass
class _Work:
    """One stage between its queues."""

    stage: Stage
    inlet: Channel[Any] | None
    outlet: Channel[Any] | None
    measure: StageMeasure = field(default_factory=StageMeasure)

    def __call__(self) -> None:
        weigh = self.inlet.rule.weigh if self.inlet else bool
        clock = StageClock(self.inlet or (), weigh, self.measure)
        counted = self.outlet.rule.weigh if self.outlet else bool
        with closing(clock.timed(self.stage.work(clock), counted)) as results:
            for result in results:
                if self.outlet:
                    self.outlet.put(result)
        if self.outlet:
            self.outlet.finish()


class _Worker(threading.Thread):
    """A thread whose error ends the run."""

    def __init__(self, run: _Run, work: _Work) -> None:
        super().__init__(name=f"vidsr-{work.stage.name}")
        self.ended = threading.Event()
        self._work, self._run = work, run

    def run(self) -> None:
        try:
            self._work()
        except BaseException as error:  # raised again by run_stages
            self._run.fail(error)
        finally:
            self.ended.set()


def each(work: Callable[[A], B]) -> Callable[[Iterable[A]], Iterator[B]]:
    """Return the work of a stage that makes one item of every item."""
    return lambda items: map(work, items)


def run_stages(stages: Sequence[Stage]) -> Measures:
    """Run stages side by side until the first one has nothing more to give.

    An error in any of them stops all, joins the threads and is raised once, with the first one
    winning. Generators are closed in any case, each in its own thread.
    """
    channels: list[Channel[Any]] = [Channel(_rule(stage)) for stage in stages[:-1]]
    run = _Run(channels, [stage.stop for stage in stages])
    ends = zip([None, *channels], [*channels, None], strict=True)
    works = [_Work(stage, *pair) for stage, pair in zip(stages, ends, strict=True)]
    workers = [_Worker(run, work) for work in works if not work.stage.here]
    try:
        for worker in workers:
            worker.start()
        for work in works:
            if work.stage.here:
                work()
    except BaseException as error:  # KeyboardInterrupt too: the threads must end first
        run.fail(error)
    _join(workers, run)
    if run.error is not None:
        raise run.error
    return Measures(
        {work.stage.name: work.measure for work in works},
        {channel.rule.name: channel.counts for channel in channels},
    )


def _rule(stage: Stage) -> QueueRule:
    if stage.queue is None:
        raise ValueError(f"stage {stage.name}: expected a queue behind it, got none")
    return stage.queue


def three_stages(
    source: Iterable[A],
    transform: Callable[[Iterable[A]], Iterator[B]],
    sink: Callable[[B], None],
    *,
    capacity: int = 2,
    weigh: Callable[[A | B], int] = lambda _: 1,
    name: str = "upscale",
    when_full: WhenFull = "wait",
    dropped: Callable[[Any], None] = keep,
    stops: tuple[Callable[[], None], Callable[[], None]] = (_nothing, _nothing),
) -> tuple[Stage, Stage, Stage]:
    """Return the stages of a file's run: decode, upscale, encode, with queues between them.

    Args:
        source: What is iterated in a thread of its own.
        transform: The work in the caller's thread; it may hold items back.
        sink: What is called with every result, in another thread.
        capacity: The most that waits in either queue, as a sum of weights.
        weigh: A function from an item to its weight.
        name: What the transform is called.
        when_full: Whether a full queue behind the source waits or drops; a source that cannot wait
            is a live one. Behind the transform it waits, so that no work is thrown away.
        dropped: What is called with each item that is dropped, to give its planes back.
        stops: Functions that end what source and sink may wait for, from any thread.
    """

    def take(item: B) -> int:
        weight = weigh(item)
        sink(item)
        return weight

    decoded = QueueRule("decoded", capacity, when_full, weigh, dropped)
    return (
        Stage("decode", lambda _: iter(source), decoded, stop=stops[0]),
        Stage(name, transform, QueueRule(f"{name}d", capacity, weigh=weigh), here=True),
        Stage("encode", each(take), stop=stops[1]),
    )


def _join(workers: list[_Worker], run: _Run) -> None:
    """Wait for the threads; a Ctrl-C meanwhile cancels and goes on waiting.

    ``Thread.join`` is no place to wait: interrupted there, Python 3.11 takes a thread that still
    runs for one that has ended, and the target would be closed under the encoder's hands.
    """
    while True:
        try:
            for worker in workers:
                if worker.ident is not None:  # None: an interrupt came before its start
                    worker.ended.wait()
                    worker.join()
            return
        except KeyboardInterrupt as error:
            run.fail(error)
