"""A live stream for programs: one source, any number of sinks, and pictures for the program."""

from __future__ import annotations

import os
import threading
import weakref
from collections.abc import AsyncIterator, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Self

from vidsr.errors import OptionError
from vidsr.live.base.counters import Tally
from vidsr.live.base.options import StreamOptions
from vidsr.live.base.records import stream_options
from vidsr.live.base.settings import check_options
from vidsr.live.base.status import StreamStatus, Watch
from vidsr.live.streams.course import Course
from vidsr.live.streams.engines import Engines
from vidsr.live.streams.feeds import Feeds, OnFrame, iterate, iterate_async
from vidsr.live.streams.ways import identity_of, ways_of

if TYPE_CHECKING:
    import av


class Stream:
    """A live stream: it connects, upscales within a deadline, and connects again until stopped.

    One that was started runs until ``stop``, whoever still knows it, or until the interpreter ends,
    which stops it in order. ``with`` starts and stops it.

    Args:
        source: The source's address, such as ``rtsp://HOST/PATH``, ``udp://HOST:PORT`` or a file.
        sinks: An address, or several, such as ``rtmp://HOST/APP/NAME`` or ``hls:FOLDER``; none
            where only the program itself takes the pictures.
        options: Everything else; None for the defaults.
        name: What logs, metrics and pages call it.
        on_frame: Function that gets every picture that is shown, as ``av.VideoFrame`` of its own.
            It is called by the stream's output thread, which waits for it; an error in it is
            logged and counted, and the stream goes on.
        engines: The device to share with other streams; None makes one for this stream alone.
        **settings: Options by the keys of the configuration, such as ``model="lite-fast-x2"`` or
            ``deadline="200ms"``; they win over ``options``.

    Raises:
        OptionError: An address or an option is wrong.
        VidsrError: A model cannot be loaded, or the device is not there.
    """

    def __init__(
        self,
        source: str | os.PathLike[str],
        sinks: str | Sequence[str] = (),
        options: StreamOptions | None = None,
        *,
        name: str = "live",
        on_frame: OnFrame | None = None,
        engines: Engines | None = None,
        **settings: Any,
    ) -> None:
        options = stream_options(options or StreamOptions(), settings)
        check_options(options)
        source = os.fspath(source)
        addresses = (sinks,) if isinstance(sinks, str) else tuple(sinks)
        self.name, self.options = name, options
        self._lock = threading.Lock()
        self._state = "new"
        self._own_engines = engines is None
        identity = identity_of(name, source, addresses, options)
        self._engines = engines or Engines()
        self._feeds = Feeds(name, self._callback_failed)
        if on_frame is not None:
            self._feeds.add(on_frame)
        try:
            ways = ways_of(source, addresses, options, self._engines, self._feeds)
            self._course = Course(
                identity,
                options,
                ways,
                self._engines.scheduler,
                self._engines.ticker.paused_between,
            )
        except BaseException:
            self._close_engines()
            raise

    def start(self) -> Self:
        """Begin to connect, and return at once.

        Raises:
            OptionError: It was started before: a stream is made anew to run again.
        """
        with self._lock:
            if self._state != "new":
                raise OptionError(f"stream {self.name}: {self._state} already")
            self._state = "started"
            # Calls nothing of this object, which the stream's threads keep alive: at the end of
            # the interpreter alone.
            weakref.finalize(self, self._course.stop)
        self._course.start()
        return self

    def stop(self) -> None:
        """End within two seconds, with everything passed on that is ready. May be called twice."""
        with self._lock:
            before, self._state = self._state, "stopped"
        if before != "stopped":
            self._course.stop()
            self._close_engines()

    def wait(self, timeout_s: float | None = None) -> bool:
        """Wait until the source is over and everything has been passed on.

        Returns:
            True once it is, False where that takes longer than ``timeout_s`` seconds.
        """
        return self._course.ended.wait(timeout_s)

    def stats(self) -> StreamStatus:
        """Return states, rates, latency and counters at this moment."""
        return self._course.status()

    @property
    def tally(self) -> Tally:
        """The counters at this moment."""
        return self._course.record.counters.tally()

    @property
    def ended(self) -> bool:
        """True once the source is over, or given up, and everything has been passed on."""
        return self._course.ended.is_set()

    def frames(self) -> Iterator[av.VideoFrame]:
        """Yield pictures until the stream ends; who is too slow misses the oldest."""
        return iterate(self._feeds)

    def __aiter__(self) -> AsyncIterator[av.VideoFrame]:
        return iterate_async(self._feeds)

    def watch(self) -> Watch:
        """Begin to copy pairs of source and output, as for a preview; the caller closes it."""
        return self._course.previews.watch()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _callback_failed(self) -> None:
        self._course.record.counters.sink_dropped(Feeds.name, 1)

    def _close_engines(self) -> None:
        if self._own_engines:
            self._engines.close()
