"""Pictures of a stream for the program around it: callbacks and iterators, newest first."""

from __future__ import annotations

import asyncio
import logging
import queue
import threading
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator
from typing import TYPE_CHECKING

from vidsr.live.base.items import TIME_BASE
from vidsr.picture.frame import Frame, to_image

if TYPE_CHECKING:
    import av

logger = logging.getLogger("vidsr.live")
WAITING = 2  # pictures that wait for an iterator; the oldest gives way
OnFrame = Callable[["av.VideoFrame"], object]
_END = None


class Feeds:
    """Picture sink that gives every picture to functions of the program around.

    An error in a function is logged and counted, and the stream goes on.

    Args:
        stream: The stream's name, for the log.
        failed: Taker of each error.
    """

    name = "on_frame"

    def __init__(self, stream: str, failed: Callable[[], None]) -> None:
        self._stream, self._failed = stream, failed
        self._lock = threading.Lock()
        self._takers: tuple[OnFrame, ...] = ()
        self._enders: tuple[Callable[[], None], ...] = ()
        self._closed = False

    def add(self, taker: OnFrame, ended: Callable[[], None] = lambda: None) -> None:
        """Begin to call ``taker`` with every picture, and ``ended`` after the last one."""
        with self._lock:
            closed = self._closed
            self._takers += (taker,)
            self._enders += (ended,)
        if closed:
            ended()

    def remove(self, taker: OnFrame) -> None:
        """Stop to call ``taker``."""
        with self._lock:
            kept = [
                pair
                for pair in zip(self._takers, self._enders, strict=True)
                if pair[0] is not taker
            ]
            self._takers = tuple(pair[0] for pair in kept)
            self._enders = tuple(pair[1] for pair in kept)

    def show(self, frame: Frame) -> None:
        """Give a copy of a picture to everybody."""
        takers = self._takers
        if not takers:
            return
        image = to_image(frame)
        image.time_base = TIME_BASE
        for taker in takers:
            try:
                taker(image)
            except Exception:
                logger.exception("%s: on_frame raised an error", self._stream)
                self._failed()

    def close(self) -> None:
        """Tell everybody that there is no further picture."""
        with self._lock:
            closed, self._closed = self._closed, True
            enders = self._enders
        for ended in () if closed else enders:
            ended()


def iterate(feeds: Feeds) -> Iterator[av.VideoFrame]:
    """Yield pictures until the stream ends; who is too slow misses the oldest."""
    waiting: queue.Queue[av.VideoFrame | None] = queue.Queue()

    def take(image: av.VideoFrame) -> None:
        while waiting.qsize() >= WAITING:
            waiting.get_nowait()
        waiting.put(image)

    feeds.add(take, lambda: waiting.put(_END))
    try:
        while (image := waiting.get()) is not _END:
            yield image
    finally:
        feeds.remove(take)


async def iterate_async(feeds: Feeds) -> AsyncIterator[av.VideoFrame]:
    """Yield pictures until the stream ends; who is too slow misses the oldest."""
    loop, arrived = asyncio.get_running_loop(), asyncio.Event()
    waiting: deque[av.VideoFrame] = deque(maxlen=WAITING)
    over = threading.Event()

    def tell() -> None:
        if not loop.is_closed():
            loop.call_soon_threadsafe(arrived.set)

    def take(image: av.VideoFrame) -> None:
        waiting.append(image)
        tell()

    def end() -> None:
        over.set()
        tell()

    feeds.add(take, end)
    try:
        while not over.is_set() or waiting:
            await arrived.wait()
            arrived.clear()
            while waiting:
                yield waiting.popleft()
            if over.is_set():
                return
    finally:
        feeds.remove(take)
