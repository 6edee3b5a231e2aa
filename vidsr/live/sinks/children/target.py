"""A peer of the network as a target, reached by a child that is killed where it hangs."""

from __future__ import annotations

import errno
import socket
import threading
import time
from dataclasses import dataclass
from urllib.parse import urlsplit

from vidsr.live.base.items import CodedPacket
from vidsr.live.base.states import Failure
from vidsr.live.sinks.children.messages import Order, encode_end, encode_order, encode_packet
from vidsr.live.sinks.children.process import Child
from vidsr.live.sinks.muxing.mux_format import MuxFormat
from vidsr.live.sinks.muxing.options import network_options

MODULE = "vidsr.live.sinks.children"
OPEN_S = 5.0
SILENT_S = 3.0
FULL_S = 5.0
_CLOSE_S = 0.9
_PROBE_S = 2.0
_POLL_S = 0.1
_PORTS = {"rtsp": 554, "rtsps": 322, "rtmp": 1935, "rtmps": 443}
_SILENT = Failure("stall", "the peer takes nothing")
_NO_ANSWER = Failure("timeout", "the peer does not answer")
_GIVEN_UP = Failure("other", "given up while connecting")
_ENDED = Failure("other", "the sending process ended")


class ChildFailed(OSError):
    """A failure that the child has told of, or that its silence means."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(errno.EIO, failure.text)
        self.failure = failure


@dataclass(frozen=True, repr=False)
class Peer:
    """A peer's address.

    Args:
        kind: ``rtsp``, ``rtsps``, ``rtsp+udp``, ``rtmp``, ``rtmps``, ``tcp`` or ``srt``.
        url: The address as FFmpeg opens it, with user and password.
        container: FFmpeg's name of the muxer.
    """

    kind: str
    url: str
    container: str

    @property
    def listens(self) -> bool:
        """True where the peer comes to us, whenever it likes."""
        return self.kind == "tcp" and "listen" in urlsplit(self.url).query

    def probe(self) -> None:
        """Connect once and part again, which costs no process. Raises OSError."""
        if self.listens or self.kind == "srt":
            return
        parts = urlsplit(self.url)
        port = parts.port or _PORTS.get(self.kind.partition("+")[0], 0)
        with socket.create_connection((parts.hostname or "", port), _PROBE_S):
            pass


class ChildTarget:
    """A peer as a ``WriterMaker``."""

    once = False

    def __init__(self, peer: Peer) -> None:
        self._peer = peer
        self._stopped = threading.Event()
        self._tried = False

    def open(self, format: MuxFormat) -> ChildWriter:
        """Return a writer whose child has connected. Raises OSError."""
        if self._tried:  # a peer that is away shall cost next to nothing
            self._peer.probe()
        self._tried = True
        peer = self._peer
        order = Order(peer.kind, peer.url, peer.container, format, network_options(peer.kind))
        return ChildWriter(order, self._stopped, None if peer.listens else OPEN_S)

    def stop(self) -> None:
        """End what waits for the child."""
        self._stopped.set()

    def end(self) -> None:
        """Do nothing: each child writes the end of its own."""


class ChildWriter:
    """A connection that a child holds.

    Args:
        order: What the child is to do.
        stopped: Set where nobody waits for it any more.
        open_s: Longest time until the child has connected; None waits for ever.
    """

    def __init__(self, order: Order, stopped: threading.Event, open_s: float | None) -> None:
        self.packets = self.size_bytes = 0
        self._stopped = stopped
        self._running = self._ending = False
        self._child = Child(MODULE)
        self._heard_s = time.monotonic()
        try:
            self._pass(encode_order(order))
            self._await_running(open_s)
        except BaseException:
            self._child.kill()
            raise

    @property
    def pid(self) -> int:
        """The child's number."""
        return self._child.pid

    def write(self, packet: CodedPacket) -> None:
        """Pass a packet to the child. Raises OSError where it has failed or hangs."""
        try:
            self._pass(encode_packet(packet))
        except BrokenPipeError:  # its last line says why
            self._child.wait(_POLL_S)
            self._listen()
            raise self._failed(_ENDED) from None
        self.look_after()

    def look_after(self) -> None:
        """Listen to the child. Raises OSError where it has failed or says nothing."""
        self._listen()
        if time.monotonic() - self._heard_s > SILENT_S:
            raise self._failed(_SILENT)

    def close(self) -> None:
        """Have the child end its stream; kill it where that takes long. Raises OSError."""
        end_s, self._ending = time.monotonic() + _CLOSE_S, True
        try:
            if self._running:
                self._send_end(end_s)
        except EOFError:
            return  # as it should
        finally:
            self._child.kill()

    def _send_end(self, end_s: float) -> None:
        self._running = False
        self._pass(encode_end(), end_s)
        self._child.end_input()
        while time.monotonic() < end_s:
            self._child.wait(end_s - time.monotonic())
            self._take(self._child.lines())

    def _pass(self, message: bytes, end_s: float | None = None) -> None:
        """Put a message into the pipe, waiting as long as the child may take."""
        end_s = time.monotonic() + FULL_S if end_s is None else end_s
        self._child.send(message)
        while self._child.full:
            if self._stopped.is_set() or time.monotonic() > end_s:
                raise self._failed(_SILENT)
            self._child.wait(_POLL_S)
            if self._running:
                self.look_after()
            self._child.push()

    def _await_running(self, open_s: float | None) -> None:
        begun_s = time.monotonic()
        while not self._running:
            self._child.wait(_POLL_S)
            self._listen()
            if self._stopped.is_set():
                raise self._failed(_GIVEN_UP)
            if open_s is not None and time.monotonic() - begun_s > open_s:
                raise self._failed(_NO_ANSWER)

    def _listen(self) -> None:
        try:
            self._take(self._child.lines())
        except EOFError:
            raise self._failed(_ENDED) from None

    def _failed(self, failure: Failure) -> ChildFailed:
        """Return the error to raise; the child is not to be spoken to any more."""
        self._running = False
        return ChildFailed(failure)

    def _take(self, lines: list[dict[str, object]]) -> None:
        for line in lines:
            self._heard_s = time.monotonic()
            self._running |= line.get("state") == "running" and not self._ending
            self.packets = int(str(line.get("packets", self.packets)))
            self.size_bytes = int(str(line.get("bytes", self.size_bytes)))
            if isinstance(failure := line.get("failure"), list):
                reason, text, permanent = failure
                raise self._failed(Failure(reason, text, permanent=permanent))
