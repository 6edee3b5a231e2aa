"""A server on a free port, and plain requests to it."""

from __future__ import annotations

import http.client
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from urllib.parse import urlencode, urlsplit

from tests.live.web.fakes import FakeView
from vidsr.live.web.options import WebOptions
from vidsr.live.web.server import WebServer

TOKEN = "correct-horse-battery-staple"


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode()


@dataclass(frozen=True)
class Client:
    """Requests to one server."""

    server: WebServer

    @property
    def port(self) -> int:
        port = urlsplit(self.server.address).port
        assert port
        return port

    def ask(
        self,
        path: str,
        *,
        method: str = "GET",
        form: Mapping[str, str] | None = None,
        more: Mapping[str, str] | None = None,
        **headers: str,
    ) -> Answer:
        """Send a request; ``User_Agent="x"`` is the header ``User-Agent``, as in ``more``."""
        given = {**headers, **(more or {})}
        sent = {name.replace("_", "-"): value for name, value in given.items()}
        body = None
        if form is not None:
            method, body = "POST", urlencode(form)
            sent["Content-Type"] = "application/x-www-form-urlencoded"
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            connection.request(method, path, body, sent)
            answer = connection.getresponse()
            return Answer(answer.status, dict(answer.getheaders()), answer.read())
        finally:
            connection.close()


@contextmanager
def served(view: FakeView, options: WebOptions | None = None) -> Iterator[Client]:
    """Yield a client of a server that ends with it."""
    server = WebServer(view, options or WebOptions(listen="127.0.0.1:0"))
    server.start()
    try:
        yield Client(server)
    finally:
        server.stop()


def guarded() -> WebOptions:
    """Return options of a server that asks for a token."""
    return WebOptions(listen="127.0.0.1:0", token=TOKEN)
