"""Transport streams by TCP and UDP, read from sockets of ours.

FFmpeg's own reading of them does not go on after a read that was broken off, and a read has to be
broken off to see that the source was stopped.
"""

from __future__ import annotations

import contextlib
import errno
import ipaddress
import os
import select
import socket
import struct
import threading
import time
from collections import deque
from collections.abc import Callable
from urllib.parse import parse_qs, urlsplit

from vidsr.live.sources.opening.byte_pipe import POLL_S

# What has come and is not read yet: seconds of any broadcast.
MOST_BYTES = 16 << 20
_DATAGRAM = 65536
_KERNEL_BYTES = 4 << 20


def connect_tcp(url: str, open_s: float, over: threading.Event) -> int:
    """Return the descriptor of a connection.

    Raises:
        OSError: The peer refuses, cannot be found or does not answer within ``open_s``.
    """
    host, port = _place(url)
    family, kind, protocol, _, place = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    with contextlib.ExitStack() as owned:
        connection = owned.enter_context(socket.socket(family, kind, protocol))
        connection.setblocking(False)
        state = connection.connect_ex(place)
        end_s = time.monotonic() + open_s
        while state == errno.EINPROGRESS and not over.is_set() and time.monotonic() < end_s:
            if select.select([], [connection], [], POLL_S)[1]:
                state = connection.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
                break
        if state:
            state = errno.ETIMEDOUT if state == errno.EINPROGRESS else state
            raise OSError(state, os.strerror(state))
        return connection.detach()


def accept_tcp(url: str, over: threading.Event) -> int:
    """Return the descriptor of the connection of the first one who calls, however long it takes.

    Raises:
        OSError: The port cannot be had, or ``over`` was set.
    """
    host, port = _place(url)
    family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
    with socket.create_server((host, port), family=family, backlog=1) as server:
        while not over.is_set():
            if select.select([server], [], [], POLL_S)[0]:
                peer, _ = server.accept()
                peer.setblocking(False)
                return peer.detach()
    raise OSError(errno.ECANCELED, os.strerror(errno.ECANCELED))


class Datagrams:
    """A file object over a port of UDP: a thread of its own takes what comes, so that none is lost.

    Args:
        url: ``udp://HOST:PORT``, a group of multicast as well; ``?localaddr=`` names the interface.
        over: Set to end a read that waits, as at the end of a file.
        waits: Called at every read and while it waits; True ends it in the same way.
    """

    def __init__(self, url: str, over: threading.Event, waits: Callable[[], bool]) -> None:
        self._over, self._waits = over, waits
        self._socket = _bound(url)
        self._queue: deque[bytes] = deque()
        self._bytes = 0
        self._ready = threading.Condition()
        self._closed = False
        self._thread = threading.Thread(target=self._receive, name="live-udp", daemon=True)
        self._thread.start()

    def read(self, size: int) -> bytes:
        """Return what has come, 1 to ``size`` bytes; none when it is over."""
        while not self._over.is_set() and not self._waits():
            with self._ready:
                if not self._queue:
                    self._ready.wait(POLL_S)
                if self._queue:
                    return self._take(size)
        return b""

    def close(self) -> None:
        """Give the port back. May be called twice."""
        self._closed = True
        self._thread.join()
        self._socket.close()

    def _take(self, size: int) -> bytes:
        parts: list[bytes] = []
        taken = 0
        while self._queue and (not parts or taken + len(self._queue[0]) <= size):
            parts.append(self._queue.popleft())
            taken += len(parts[-1])
        data = b"".join(parts)
        if len(data) > size:
            self._queue.appendleft(data[size:])
            data = data[:size]
        self._bytes -= len(data)
        return data

    def _receive(self) -> None:
        while not self._closed:
            try:
                data = self._socket.recv(_DATAGRAM)
            except TimeoutError:
                continue
            except OSError:  # as ECONNREFUSED after an answer to nobody
                continue
            with self._ready:
                self._queue.append(data)
                self._bytes += len(data)
                while self._bytes > MOST_BYTES:
                    self._bytes -= len(self._queue.popleft())
                self._ready.notify()


def _bound(url: str) -> socket.socket:
    host, port = _place(url)
    group = _group(host)
    family, kind, protocol, _, place = socket.getaddrinfo(
        host or None, port, type=socket.SOCK_DGRAM, flags=socket.AI_PASSIVE
    )[0]
    with contextlib.ExitStack() as owned:
        bound = owned.enter_context(socket.socket(family, kind, protocol))
        bound.settimeout(POLL_S)
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _KERNEL_BYTES)
        bound.bind(place)
        if group is not None:
            _join(bound, group, parse_qs(urlsplit(url).query).get("localaddr", [""])[0])
        owned.pop_all()
        return bound


def _join(
    bound: socket.socket, group: ipaddress.IPv4Address | ipaddress.IPv6Address, local: str
) -> None:
    if group.version == 4:
        interface = socket.inet_aton(local or "0.0.0.0")
        request = group.packed + interface
        bound.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, request)
    else:
        request = group.packed + struct.pack("@I", int(local or 0))
        bound.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_JOIN_GROUP, request)


def _group(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return None
    return address if address.is_multicast else None


def _place(url: str) -> tuple[str, int]:
    """Return host and port of an address that has been checked to have them."""
    parts = urlsplit(url)
    return parts.hostname or "", parts.port or 0
