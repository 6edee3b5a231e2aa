"""Web server in a thread of its own, which begins and ends within bounds."""

from __future__ import annotations

import asyncio
import logging
import threading
from concurrent.futures import Future
from typing import TYPE_CHECKING

from vidsr.errors import VidsrError
from vidsr.live.base.status import StreamsView
from vidsr.live.web.access.hosts import AllowedHosts
from vidsr.live.web.access.tokens import VARIABLE, find_token
from vidsr.live.web.listen import Listen, parse_listen
from vidsr.live.web.options import WebOptions
from vidsr.live.web.requirements import require_packages

if TYPE_CHECKING:
    from aiohttp import web

START_S = 10.0
STOP_S = 3.0
_SHUTDOWN_S = 0.5
_logger = logging.getLogger("vidsr.live.web")


class WebServer:
    """Metrics, health, and a page of all streams.

    Args:
        view: The streams.
        options: Where to listen, and who may look.

    Raises:
        VidsrError: Packages of the extra ``live`` are missing, or an option is wrong.
    """

    def __init__(self, view: StreamsView, options: WebOptions | None = None) -> None:
        require_packages()
        self._view, self._options = view, options or WebOptions()
        self._listen = parse_listen(self._options.listen)
        # Whoever is reached through a proxy is reached by strangers.
        needed = not self._listen.is_loopback or bool(self._options.hosts)
        self._token, self._token_file = find_token(self._options, needed=needed)
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._ended: asyncio.Event | None = None
        self._bound: Future[int] = Future()

    @property
    def address(self) -> str:
        """The address of the page, with the port that was taken."""
        host, port = self._listen.host, self._listen.port
        if self._bound.done() and self._bound.exception() is None:
            port = self._bound.result()
        return f"http://{Listen(host, port)}/"

    def start(self) -> None:
        """Listen, and return.

        Raises:
            VidsrError: The address cannot be bound.
        """
        self._thread = threading.Thread(target=self._run, name="vidsr-web", daemon=True)
        self._thread.start()
        self._bound.result(timeout=START_S)
        _logger.info("page, metrics and health at %s", self.address)
        if self._token_file is not None:
            _logger.info("the token for it is in %s", self._token_file)
        elif self._token is not None:
            _logger.info("the token for it is that of the options or of %s", VARIABLE)

    def stop(self) -> None:
        """End within three seconds, whatever viewers do. May be called twice."""
        loop, ended, thread = self._loop, self._ended, self._thread
        if loop is None or ended is None or thread is None or not thread.is_alive():
            return
        loop.call_soon_threadsafe(ended.set)
        thread.join(STOP_S)

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        except Exception as error:
            if self._bound.done():
                _logger.exception("the web server ended")
            else:
                self._bound.set_exception(error)

    async def _serve(self) -> None:
        from aiohttp import web

        self._loop, self._ended = asyncio.get_running_loop(), asyncio.Event()
        runner = web.AppRunner(
            self._application(),
            access_log=None,
            handler_cancellation=True,  # a viewer who goes ends the handler that waits for news
            shutdown_timeout=_SHUTDOWN_S,
        )
        await runner.setup()
        try:
            await self._bind(runner)
            await self._ended.wait()
        finally:
            await runner.cleanup()

    def _application(self) -> web.Application:
        from vidsr.live.web.access.guard import Guard
        from vidsr.live.web.server.application import make_application

        guard = Guard(self._token, AllowedHosts(self._listen, self._options.hosts))
        return make_application(self._view, guard, self._options.viewers)

    async def _bind(self, runner: web.AppRunner) -> None:
        from aiohttp import web

        listen = self._listen
        try:
            await web.TCPSite(runner, listen.host, listen.port).start()
        except OSError as error:
            reason = error.strerror or str(error)
            raise VidsrError(
                f"the web server cannot listen on {listen}: {reason}",
                hint="choose another address or port; port 0 takes a free one",
            ) from error
        self._bound.set_result(int(runner.addresses[0][1]))
