"""A program that serves a simulated S3 on loopback, prints its port, and ends with its input.

Requests are answered one at a time, so that conditional writes are as exclusive as those of S3,
which moto only looks at. A request whose path holds ``drop-N-`` is dropped the first N times, and
with ``--plain`` conditions are ignored, as old stores do.
"""

from __future__ import annotations

import socket
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any

from moto.server import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import WSGIRequestHandler, make_server
from werkzeug.test import Client

Environ = dict[str, Any]


class Handler(WSGIRequestHandler):
    """Requests without a line of log each."""

    def log_request(self, code: object = "-", size: object = "-") -> None:
        """Write nothing."""


class OneByOne:
    """The store, with faults for tests.

    Args:
        plain: True to ignore conditions.
        delay_s: Seconds that every answer takes beside.
    """

    def __init__(self, *, plain: bool, delay_s: float) -> None:
        self._app: Any = DomainDispatcherApplication(create_backend_app)
        self._lock, self._plain, self._delay_s = threading.Lock(), plain, delay_s
        self._dropped: Counter[str] = Counter()

    def __call__(self, environ: Environ, start: Callable[..., Any]) -> Iterable[bytes]:
        """Answer one request."""
        path = str(environ.get("PATH_INFO", ""))
        if self._delay_s:
            time.sleep(self._delay_s)
        _, marked, rest = path.partition("drop-")
        if marked and environ["REQUEST_METHOD"] in ("PUT", "GET"):
            with self._lock:
                self._dropped[path] += 1
                if self._dropped[path] <= int(rest.partition("-")[0]):
                    environ["werkzeug.socket"].shutdown(socket.SHUT_RDWR)
                    raise ConnectionResetError
        if self._plain:
            environ.pop("HTTP_IF_NONE_MATCH", None)
        with self._lock:
            return [b"".join(self._app(environ, start))]


def main() -> None:
    """Serve until standard input ends."""
    delay_s = next((float(a[8:]) for a in sys.argv if a.startswith("--delay=")), 0.0)
    app = OneByOne(plain="--plain" in sys.argv, delay_s=delay_s)
    Client(app).put("/films", base_url="http://s3.us-east-1.amazonaws.com")  # the bucket
    server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=Handler)
    print(server.server_port, flush=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    sys.stdin.read()


if __name__ == "__main__":
    main()
