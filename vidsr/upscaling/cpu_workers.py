"""Frames side by side on a CPU: each on a core of its own, instead of one on all of them.

Threads that share a frame wait for each other after every layer, and while one of them converts
colours or runs Python, the others do nothing. Frames that share nothing do not wait.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from threading import Barrier, BrokenBarrierError
from typing import Any, TypeVar

import torch

from vidsr.picture.frame import Frame

T = TypeVar("T")


class Workers:
    """``count`` threads that upscale a frame each; PyTorch's own threads are shared out to them.

    An error of the source is raised when all frames before it have come out.

    ``upscale`` is called in several threads at once, except for the first frame: that has all
    of PyTorch's threads, and nobody beside it. With a ``count`` of 1 it is always called in the
    caller's thread, in order, as what keeps a state has to be.

    ``prepare`` is called in the caller's thread, in order, and gives what ``upscale`` takes.
    """

    def __init__(
        self,
        upscale: Callable[[Any], Frame],
        count: int,
        prepare: Callable[[Frame], Any] = lambda frame: frame,
    ) -> None:
        self._upscale, self._count, self._prepare = upscale, count, prepare
        self._waiting: deque[Any] = deque()
        self._threads = ExitStack()
        self._pool: ThreadPoolExecutor | None = None
        self._begun = False

    @property
    def latency_frames(self) -> int:
        """Most frames that are held back."""
        return self._count if self._count > 1 else 0

    def through(self, items: Iterable[T]) -> Iterator[T | Frame]:
        """Give items in their order: frames upscaled, all else as it is.

        A frame comes out when ``count`` more have gone in, with the first item to go in after it
        is done, or at the end. Closing waits for the frames that are being upscaled. An error of a
        frame is raised when its turn comes.
        """
        failure: list[Exception] = []
        try:
            for item in _until_failure(iter(items), failure):
                yield from self.take(item)
            yield from self.rest()
        finally:
            self.close()
        if failure:
            raise failure[0]

    def take(self, item: T) -> Iterator[T | Frame]:
        """Take one item in; give what is done, and what no worker stands idle without."""
        if self._count == 1 or not self._begun:
            self._begun = self._begun or isinstance(item, Frame)
            yield self._upscale(self._prepare(item)) if isinstance(item, Frame) else item
            return
        if self._pool is None:
            self._pool = self._threads.enter_context(_threads(self._count))
        if isinstance(item, Frame):
            self._waiting.append(self._pool.submit(self._upscale, self._prepare(item)))
        else:
            self._waiting.append(item)
        while self._waiting and not self._in_work(self._waiting):
            yield _result(self._waiting.popleft())

    def rest(self) -> Iterator[Any]:
        """Give what is still being upscaled, in order."""
        while self._waiting:
            yield _result(self._waiting.popleft())

    def close(self) -> None:
        """Wait for the frames that are being upscaled, and end the threads."""
        self._pool = None
        self._threads.close()
        self._waiting.clear()

    def _in_work(self, waiting: deque[Any]) -> bool:
        """Return True if the oldest is not done and may take its time: no worker stands idle."""
        frames = sum(isinstance(item, Future) for item in waiting)
        oldest = waiting[0]
        return isinstance(oldest, Future) and not oldest.done() and frames <= self._count


def _until_failure(items: Iterator[T], failure: list[Exception]) -> Iterator[T]:
    """Yield ``items``; put an error of theirs aside until what came before has come out."""
    try:
        for item in items:  # noqa: UP028 - "yield from" would close what is the caller's
            yield item
    except Exception as error:
        failure.append(error)


@contextmanager
def _threads(count: int) -> Iterator[ThreadPoolExecutor]:
    """Start ``count`` threads with their share of PyTorch's; leaving waits for what they do.

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
