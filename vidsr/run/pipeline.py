"""Three threads and two bounded queues: decode, transform, encode."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from typing import Generic, TypeVar

T = TypeVar("T")
A = TypeVar("A")
B = TypeVar("B")


class Cancelled(Exception):
    """Raised inside a stage when another one has ended the run."""


class Channel(Generic[T]):
    """A bounded queue that can be closed from either end.

    ``capacity`` bounds the sum of ``weigh(item)``; weightless items are bounded by count alone, so
    that a burst of audio packets does not stand in the way of frames.
    """

    LIGHT_ITEMS = 4096

    def __init__(self, capacity: int, weigh: Callable[[T], int] = lambda _: 1) -> None:
        self._items: deque[T] = deque()
        self._capacity, self._weigh = capacity, weigh
        self._weight = 0
        self._finished = self._cancelled = False
        self._changed = threading.Condition()

    def put(self, item: T) -> None:
        """Wait for room. Raises Cancelled."""
        weight = self._weigh(item)
        with self._changed:
            self._changed.wait_for(lambda: self._cancelled or self._has_room(weight))
            if self._cancelled:
                raise Cancelled
            self._items.append(item)
            self._weight += weight
            self._changed.notify_all()

    def _has_room(self, weight: int) -> bool:
        full = weight > 0 and self._weight + weight > self._capacity and self._weight > 0
        return not full and len(self._items) < self.LIGHT_ITEMS

    def finish(self) -> None:
        """Nothing more will be put."""
        with self._changed:
            self._finished = True
            self._changed.notify_all()

    def cancel(self) -> None:
        """Wake everybody; every further call raises Cancelled."""
        with self._changed:
            self._cancelled = True
            self._items.clear()
            self._changed.notify_all()

    def __iter__(self) -> Iterator[T]:
        """Items until ``finish``. Raises Cancelled."""
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._cancelled or self._items or self._finished)
                if self._cancelled:
                    raise Cancelled
                if not self._items:
                    return
                item = self._items.popleft()
                self._weight -= self._weigh(item)
                self._changed.notify_all()
            yield item


@dataclass
class StageTimes:
    """Seconds each stage was at work, waiting left out."""

    decode_s: float = 0.0
    transform_s: float = 0.0
    encode_s: float = 0.0


class _Timed(Generic[T]):
    """An iterator that knows how long it was waited for."""

    def __init__(self, items: Iterable[T]) -> None:
        self._iterator = iter(items)
        self.seconds = 0.0

    def __iter__(self) -> Iterator[T]:
        return self

    def __next__(self) -> T:
        begin = time.perf_counter()
        try:
            return next(self._iterator)
        finally:
            self.seconds += time.perf_counter() - begin

    def close(self) -> None:
        """Close a generator, so that it cleans up now and in this thread."""
        if isinstance(self._iterator, Generator):
            self._iterator.close()


@dataclass
class _Run:
    """The first error wins; whoever fails cancels everybody."""

    channels: tuple[Channel, Channel]  # type: ignore[type-arg]
    error: BaseException | None = None
    lock: threading.Lock = field(default_factory=threading.Lock)

    def fail(self, error: BaseException) -> None:
        with self.lock:
            if self.error is None and not isinstance(error, Cancelled):
                self.error = error
        for channel in self.channels:
            channel.cancel()


class _Worker(threading.Thread):
    """A thread whose error ends the run."""

    def __init__(self, run: _Run, work: Callable[[], None]) -> None:
        super().__init__(name=f"vidsr-{work.__name__}")
        self.ended = threading.Event()
        self._work, self._run = work, run

    def run(self) -> None:
        try:
            self._work()
        except BaseException as error:  # raised again by run_pipeline
            self._run.fail(error)
        finally:
            self.ended.set()


def each(work: Callable[[A], B]) -> Callable[[Iterable[A]], Iterator[B]]:
    """The stage that makes one item of every item."""
    return lambda items: map(work, items)


def run_pipeline(
    source: Iterable[A],
    transform: Callable[[Iterable[A]], Iterator[B]],
    sink: Callable[[B], None],
    *,
    capacity: int = 2,
    weigh: Callable[[A | B], int] = lambda _: 1,
) -> StageTimes:
    """Feed the items of ``source`` through ``transform`` into ``sink``, in order.

    ``source`` is iterated in a thread of its own, ``sink`` called in another, ``transform`` in the
    caller's, so that Ctrl-C lands here; it may hold items back and give them out later. An error
    in any of them stops all three, joins the threads and is raised once, with the first one
    winning. Generators are closed in any case.
    """
    decoded: Channel[A] = Channel(capacity, weigh)
    enlarged: Channel[B] = Channel(capacity, weigh)
    run, times = _Run((decoded, enlarged)), StageTimes()

    def decode() -> None:
        with closing(_Timed(source)) as items:
            for item in items:
                decoded.put(item)
        times.decode_s = items.seconds
        decoded.finish()

    def encode() -> None:
        for item in enlarged:
            begin = time.perf_counter()
            sink(item)
            times.encode_s += time.perf_counter() - begin

    workers = [_Worker(run, work) for work in (decode, encode)]
    try:
        for worker in workers:
            worker.start()
        waiting = _Timed(decoded)
        with closing(_Timed(transform(waiting))) as results:
            for result in results:
                enlarged.put(result)
        times.transform_s = results.seconds - waiting.seconds
        enlarged.finish()
    except BaseException as error:  # KeyboardInterrupt too: the threads must end first
        run.fail(error)
    _join(workers, run)
    if run.error is not None:
        raise run.error
    return times


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
