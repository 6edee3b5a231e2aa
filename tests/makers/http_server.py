"""A loopback HTTP server that does what servers should not: cuts, stalls, lies, redirects.

with serving({"/a.mp4": Served(data)}) as server:
    server.url("/a.mp4")
    server.requests   the headers of each request, in order
"""

from __future__ import annotations

import re
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Served:
    """One file and how it is sent.

    Args:
        data: The file.
        ranges: True if the server sends parts.
        cut_after: Bytes of an answer after which the connection ends, None for never.
        cuts: How many answers are cut so; None for all.
        wall: The place from which on no byte is ever sent, None for none.
        stall_after: Bytes of an answer after which nothing more comes; of the first alone.
        status: The status instead of the file, 0 for the file.
        busy: How many requests are answered 503 first.
        length: Bytes that the header announces, None for the right number, -1 for no header.
        chunked: True to send chunks instead of a length.
        location: Where a request is redirected to.
        login: User and password that are asked for.
        etags: The file's versions, one a request; the last one stays.
    """

    data: bytes
    ranges: bool = True
    cut_after: int | None = None
    cuts: int | None = None
    wall: int | None = None
    stall_after: int | None = None
    status: int = 0
    busy: int = 0
    length: int | None = None
    chunked: bool = False
    location: str = ""
    login: str = ""
    etags: list[str] = field(default_factory=list)


@dataclass
class HttpServer:
    """A running server."""

    port: int
    files: dict[str, Served]
    requests: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    over: threading.Event = field(default_factory=threading.Event)

    def url(self, path: str, login: str = "") -> str:
        return f"http://{login}{'@' if login else ''}127.0.0.1:{self.port}{path}"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        here = self.server.here
        path = self.path.partition("?")[0]
        here.requests.append((self.path, dict(self.headers)))
        self.close_connection = True
        served = here.files.get(path)
        if served is None or served.status:
            self.send_error(served.status if served else 404)
        elif served.busy:
            served.busy -= 1
            self.send_error(503)
        elif served.location:
            self.send_response(302)
            self.send_header("Location", served.location)
            self.send_header("Content-Length", "0")
            self.end_headers()
        elif served.login and not self._known(served.login):
            self.send_error(401)
        else:
            self._send(served)

    def _known(self, login: str) -> bool:
        import base64

        wanted = "Basic " + base64.b64encode(login.encode()).decode()
        return self.headers.get("Authorization") == wanted

    def _send(self, served: Served) -> None:
        begin, whole = 0, len(served.data)
        match = re.match(r"bytes=(\d+)-", self.headers.get("Range", ""))
        if match and served.ranges:
            begin = int(match[1])
            self.send_response(206)
            self.send_header("Content-Range", f"bytes {begin}-{whole - 1}/{served.length or whole}")
        else:
            self.send_response(200)
        body = served.data[begin:]
        if served.etags:
            etag = served.etags.pop(0) if len(served.etags) > 1 else served.etags[0]
            self.send_header("ETag", etag)
        if served.chunked:
            self.send_header("Transfer-Encoding", "chunked")
        elif served.length != -1:
            announced = len(body) if served.length is None else served.length - begin
            self.send_header("Content-Length", str(announced))
        self.send_header("Connection", "close")
        self.end_headers()
        self._body(served, served.data[begin : served.wall])

    def _body(self, served: Served, body: bytes) -> None:
        cut = served.cut_after if served.cuts is None or served.cuts > 0 else None
        if cut is not None and cut < len(body):
            body, served.cuts = body[:cut], None if served.cuts is None else served.cuts - 1
        stalled, served.stall_after = served.stall_after, None
        try:
            if served.chunked:
                self.wfile.write(b"%x\r\n%s\r\n" % (len(body), body))
                if cut is None:
                    self.wfile.write(b"0\r\n\r\n")
            else:
                self.wfile.write(body[:stalled])
            if stalled is not None:
                self.server.here.over.wait(30)
        except (BrokenPipeError, ConnectionResetError):
            pass


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    here: HttpServer

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing."""


@contextmanager
def serving(files: dict[str, Served]) -> Iterator[HttpServer]:
    """Serve files until the block ends."""
    server = _Server(("127.0.0.1", 0), _Handler)
    server.here = HttpServer(server.server_address[1], files)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield server.here
    finally:
        server.here.over.set()
        server.shutdown()
        server.server_close()
        thread.join()


def unused_port() -> int:
    """Return a port at which nobody listens."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
        return port
