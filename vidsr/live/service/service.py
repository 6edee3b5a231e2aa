"""All streams of a process: started, looked at, exchanged while the others run, and stopped."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterable
from typing import TYPE_CHECKING, Self

from vidsr import __version__
from vidsr.errors import OptionError
from vidsr.live.base.options import ServiceOptions
from vidsr.live.base.status import ServiceStatus, StreamStatus, Watch
from vidsr.live.service.spec import Config, StreamSpec, changes
from vidsr.live.service.web import start_web
from vidsr.live.streams.engines import Engines
from vidsr.live.streams.stream import Stream

if TYPE_CHECKING:
    from vidsr.live.web.server import WebServer

logger = logging.getLogger("vidsr.live")


class Service:
    """Streams that share engines, behind one page: the process's ``StreamsView``.

    Args:
        config: The streams, and the options of the process.

    Raises:
        VidsrError: A model, the device or an option of a stream is wrong; nothing has begun then.
    """

    def __init__(self, config: Config) -> None:
        self._options: ServiceOptions = config.service
        self._started_s = time.time()
        self._lock = threading.Lock()
        self._specs: tuple[StreamSpec, ...] = config.streams
        self._web: WebServer | None = None
        self._engines = Engines(config.service.device, config.service.workers)
        try:
            self._streams = self._built(config.streams)
        except BaseException:
            self._engines.close()
            raise

    def start(self) -> Self:
        """Start the page, and every stream.

        Raises:
            VidsrError: The page's address cannot be taken; nothing has begun then.
        """
        try:
            self._web = start_web(self, self._options)
        except BaseException:
            self.stop()
            raise
        for stream in self._streams.values():
            stream.start()
        return self

    def reload(self, config: Config) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Go over to another configuration; streams that are the same in it go on untouched.

        Returns:
            The names of the streams that were stopped, and of those that were started.

        Raises:
            VidsrError: A stream of it cannot be built, or the options of the process differ, which
                takes a restart. Everything goes on as it was then.
        """
        if config.service != self._options:
            raise OptionError("[live] has changed: expected a restart for that")
        stop, start = changes(self._specs, config.streams)
        built = self._built(start)
        for name in stop:
            logger.info("%s: stopped by the new configuration", name)
        self._stop(self._streams[name] for name in stop)
        with self._lock:
            running = {**self._streams, **built}
            self._streams = {spec.name: running[spec.name] for spec in config.streams}
            self._specs = config.streams
        for stream in built.values():
            stream.start()
        return stop, tuple(built)

    def stop(self) -> None:
        """End everything within three seconds. May be called twice."""
        web, self._web = self._web, None
        self._stop(self._streams.values())
        if web is not None:
            web.stop()
        self._engines.close()

    @property
    def ended(self) -> bool:
        """True once every stream is over."""
        return all(stream.ended for stream in self._streams.values())

    def names(self) -> tuple[str, ...]:
        """Return the streams in the order of the configuration."""
        with self._lock:
            return tuple(self._streams)

    def status(self, name: str) -> StreamStatus | None:
        """Return the stream of that name at this moment; None where there is none."""
        stream = self._of(name)
        return None if stream is None else stream.stats()

    def statuses(self) -> tuple[StreamStatus, ...]:
        """Return all streams at this moment."""
        found = (self.status(name) for name in self.names())
        return tuple(status for status in found if status is not None)

    def service(self) -> ServiceStatus:
        """Return the process at this moment."""
        ticker = self._engines.ticker
        return ServiceStatus(
            version=__version__,
            started_s=self._started_s,
            ticked_s=ticker.age_s,
            longest_pause_s=ticker.longest_pause_s,
            devices=self._engines.status(),
        )

    def watch(self, name: str) -> Watch | None:
        """Begin to copy pictures of the stream of that name; None where there is none."""
        stream = self._of(name)
        return None if stream is None else stream.watch()

    @property
    def page(self) -> str | None:
        """The address of the page, None without one."""
        return None if self._web is None else self._web.address

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _of(self, name: str) -> Stream | None:
        with self._lock:
            return self._streams.get(name)

    def _built(self, specs: Iterable[StreamSpec]) -> dict[str, Stream]:
        """Return streams that have not been started. Raises VidsrError, with none left over."""
        built: dict[str, Stream] = {}
        try:
            for spec in specs:
                built[spec.name] = Stream(
                    spec.source, spec.sinks, spec.options, name=spec.name, engines=self._engines
                )
        except BaseException:
            self._stop(built.values())
            raise
        return built

    @staticmethod
    def _stop(streams: Iterable[Stream]) -> None:
        """Stop streams side by side, since each may take two seconds."""
        threads = [threading.Thread(target=stream.stop, daemon=True) for stream in streams]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(3.0)
