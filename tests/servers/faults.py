"""Peers that do harm: a port that nobody serves, one that never answers, one that sends noise."""

from __future__ import annotations

import contextlib
import random
import socket
import threading
from collections.abc import Callable, Iterator

from tests.servers.process import free_port


def refused_port() -> int:
    """Return a port on which nobody listens."""
    return free_port()


@contextlib.contextmanager
def black_hole() -> Iterator[int]:
    """Accept every connection of TCP, read nothing and never answer; yield the port."""
    with _listening(lambda _: None) as port:
        yield port


@contextlib.contextmanager
def garbage(seed: int = 0) -> Iterator[int]:
    """Send noise to everybody who connects; yield the port."""
    source = random.Random(seed)

    def send(peer: socket.socket) -> None:
        with contextlib.suppress(OSError):
            for _ in range(64):
                peer.sendall(source.randbytes(4096))
        peer.close()

    with _listening(send) as port:
        yield port


@contextlib.contextmanager
def _listening(serve: Callable[[socket.socket], None]) -> Iterator[int]:
    peers: list[socket.socket] = []
    with socket.create_server(("127.0.0.1", 0)) as server:
        over = threading.Event()

        def accept() -> None:
            while not over.is_set():
                with contextlib.suppress(OSError):
                    peer, _ = server.accept()
                    peers.append(peer)
                    if not over.is_set():
                        serve(peer)

        thread = threading.Thread(target=accept, daemon=True)
        thread.start()
        port = int(server.getsockname()[1])
        try:
            yield port
        finally:
            over.set()
            with contextlib.suppress(OSError):  # wakes the thread, which no close does
                socket.create_connection(("127.0.0.1", port), 1).close()
            thread.join(5)
            for peer in peers:
                peer.close()
