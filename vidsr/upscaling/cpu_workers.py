"""Frames side by side on a processor: each on a core of its own, instead of one on all of them.

Threads that share a frame wait for each other after every layer, and while one of them converts
colours or runs Python, the others do nothing. Frames that share nothing do not wait.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from threading import Barrier, BrokenBarrierError
from typing import Any, TypeVar

import torch

from vidsr.picture.frame import Frame

T = TypeVar("T")


class Workers:
    """``count`` threads that enlarge a frame each; PyTorch's own threads are shared out to them.

    An error of the source is raised when all frames before it have come out.

    ``enlarge`` is called in several threads at once, except for the first frame: that has all
    of PyTorch's threads, and nobody beside it.
    """

    def __init__(self, enlarge: Callable[[Frame], Frame], count: int) -> None:
        self._enlarge, self._count = enlarge, count

    def through(self, items: Iterable[T]) -> Iterator[T | Frame]:
        """Items in their order: frames enlarged, all else as it is.

        A frame comes out when ``count`` more have gone in, or at the end. Closing waits for the
        frames that are being enlarged. An error of a frame is raised when its turn comes.
        """
        iterator = iter(items)
        for item in iterator:
            first = isinstance(item, Frame)
            yield self._enlarge(item) if isinstance(item, Frame) else item
            if first:
                break
        if self._count == 1:
            for item in iterator:
                yield self._enlarge(item) if isinstance(item, Frame) else item
            return
        yield from self._together(iterator)

    def _together(self, items: Iterator[T]) -> Iterator[T | Frame]:
        waiting: deque[Any] = deque()
        failure: list[Exception] = []
        with _threads(self._count) as pool:
            for item in _until_failure(items, failure):
                frame = isinstance(item, Frame)
                waiting.append(pool.submit(self._enlarge, item) if frame else item)  # type: ignore[arg-type]
                while waiting and not self._in_work(waiting):
                    yield _result(waiting.popleft())
            while waiting:
                yield _result(waiting.popleft())
        if failure:
            raise failure[0]

    def _in_work(self, waiting: deque[Any]) -> bool:
        """Whether the oldest is a frame that may take its time: no worker would stand idle."""
        frames = sum(isinstance(item, Future) for item in waiting)
        return isinstance(waiting[0], Future) and frames <= self._count


def _until_failure(items: Iterator[T], failure: list[Exception]) -> Iterator[T]:
    """``items``, ended by an error of theirs, put aside until what came before has come out."""
    try:
        for item in items:  # noqa: UP028 - "yield from" would close what is the caller's
            yield item
    except Exception as error:
        failure.append(error)


@contextmanager
def _threads(count: int) -> Iterator[ThreadPoolExecutor]:
    """``count`` threads with their share of PyTorch's; leaving waits for what they do.

    The number that a thread sets for itself is also that of all threads yet to begin, also of
    other programs' parts. So all begin here, and then the number is what it was.
    """
    threads = torch.get_num_threads()
    begun = Barrier(count + 1)

    def begin() -> None:
        torch.set_num_threads(max(1, threads // count))
        torch.get_num_threads()  # looks the number up, which later would be that of the others
        with suppress(BrokenBarrierError):
            begun.wait()

    pool = ThreadPoolExecutor(count, "vidsr-frame", begin)
    try:
        for _ in range(count):
            pool.submit(int)  # each begins another thread, as none is idle yet
        begun.wait()
        torch.set_num_threads(threads)
        yield pool
    finally:
        begun.abort()  # whoever waits there because something struck before all had begun
        pool.shutdown(cancel_futures=True)


def _result(item: Any) -> Any:
    return item.result() if isinstance(item, Future) else item
