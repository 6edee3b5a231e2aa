"""Feeds of all streams, polled together while somebody looks, and the thread that codes."""

from __future__ import annotations

import asyncio
import os
import sys
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress

from vidsr.live.base.status import PicturePair, StreamsView
from vidsr.live.web.previews.feed import Feed, Viewer
from vidsr.live.web.previews.jpeg import JpegEncoder
from vidsr.live.web.previews.variants import Variant, encode_variant

POLL_S = 0.04
_NICE = 10


class Full(Exception):
    """Error for one viewer more than the server takes."""


class Hub:
    """All feeds, and the one thread that makes JPEG of their pictures.

    All calls come from the loop's thread.

    Args:
        view: The streams.
        most_viewers: Viewers at one time.
    """

    def __init__(self, view: StreamsView, most_viewers: int = 64) -> None:
        self._view = view
        self._most = most_viewers
        self._viewers = 0
        self._feeds: dict[str, Feed] = {}
        self._encoder = JpegEncoder()
        self._pool = ThreadPoolExecutor(1, "vidsr-preview", initializer=_step_back)
        self._polling: asyncio.Task[None] | None = None
        self.coded = 0

    @contextmanager
    def viewer(self, names: Sequence[str]) -> Iterator[tuple[Viewer, list[Feed]]]:
        """Yield a viewer of the streams of these names, and their feeds.

        Raises:
            Full: There are as many viewers as the server takes.
        """
        if self._viewers >= self._most:
            raise Full
        viewer, feeds = Viewer(), [self._feed(name) for name in names]
        self._viewers += 1
        for feed in feeds:
            feed.enter(viewer)
        if self._polling is None or self._polling.done():
            self._polling = asyncio.get_running_loop().create_task(self._poll())
        try:
            yield viewer, feeds
        finally:
            self._viewers -= 1
            for feed in feeds:
                feed.leave(viewer)

    async def close(self) -> None:
        """End all copying, and the thread."""
        if self._polling is not None:
            self._polling.cancel()
            with suppress(asyncio.CancelledError):
                await self._polling
        for feed in self._feeds.values():
            feed.close()
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _feed(self, name: str) -> Feed:
        feed = self._feeds.get(name)
        if feed is None or feed.ended:
            feed = self._feeds[name] = Feed(name, self._view, self._encode)
        return feed

    async def _poll(self) -> None:
        """Poll the feeds until the last viewer has gone; a stuck one may yet come back."""
        loop = asyncio.get_running_loop()
        while self._viewers:
            now_s = loop.time()
            for feed in self._feeds.values():
                feed.poll(now_s)
            await asyncio.sleep(POLL_S)
        self._feeds.clear()

    def _encode(self, pair: PicturePair, variant: Variant) -> asyncio.Future[bytes | None]:
        self.coded += 1
        loop = asyncio.get_running_loop()
        return loop.run_in_executor(self._pool, encode_variant, self._encoder, pair, variant)


def _step_back() -> None:
    """Let the streams' own threads go first, where the system has priorities of threads."""
    if sys.platform == "linux":
        with suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICE)
