"""The live source: a thread that connects, reads, waits and connects again until it is stopped."""

from __future__ import annotations

import logging
import threading
import time

from vidsr.live.base.backoff import Backoff
from vidsr.live.base.options import SourceOptions
from vidsr.live.base.roles import LiveSource, Receiver
from vidsr.live.base.states import Failure
from vidsr.live.sources.opening.address import Address, parse_address
from vidsr.live.sources.opening.checks import check_options, is_fifo
from vidsr.live.sources.opening.connection import Connection
from vidsr.live.sources.opening.failures import ERRORS, failure_of
from vidsr.live.sources.opening.watch import Watch
from vidsr.live.sources.reading.clock import LiveClock
from vidsr.live.sources.reading.pacing import Pace
from vidsr.live.sources.session import Line, Session
from vidsr.notes import Notes

logger = logging.getLogger("vidsr")

# Nothing that is open takes longer to end; what is being opened ends within ``open_s`` by itself.
STOPS_S = 1.8


def open_live_source(
    text: str, options: SourceOptions | None = None, *, backoff: Backoff | None = None
) -> LiveSource:
    """Return the source of an address, checked and not yet started.

    Args:
        text: The address: see ``parse_address``.
        options: How it is read; None for the defaults.
        backoff: The waits between tries to connect, for tests.

    Raises:
        OptionError: The address or an option is wrong, or a program for it is missing.
        NoInputError: The file does not exist.
    """
    options = options or SourceOptions()
    address = parse_address(text)
    check_options(address, options)
    return ThreadedSource(address, options, backoff or Backoff(options.reconnect))


class NamedNotes(Notes):
    """Notes that name their source: a log is of many streams.

    Args:
        name: The source's address without secrets.
    """

    def __init__(self, name: str) -> None:
        super().__init__()
        self._name = name

    def _record(self, text: str, level: int) -> None:
        named = text.startswith(f"{self._name}: ")
        super()._record(text if named else f"{self._name}: {text}", level)


class ThreadedSource:
    """A source with a thread of its own.

    Args:
        address: Where it is.
        options: How it is read, checked.
        backoff: The waits between tries to connect.
    """

    def __init__(self, address: Address, options: SourceOptions, backoff: Backoff) -> None:
        self._address, self._options, self._backoff = address, options, backoff
        self._over = threading.Event()
        self._thread: threading.Thread | None = None

    @property
    def name(self) -> str:
        """The address without secrets."""
        return self._address.name

    def start(self, receiver: Receiver) -> None:
        """Begin to connect, and return at once."""
        self._thread = threading.Thread(
            target=self._run, args=(receiver,), name="live-source", daemon=True
        )
        self._thread.start()

    def stop(self) -> None:
        """End within two seconds, whatever the peer does; the receiver is told nothing more.

        A thread that is opening a connection may stay longer, for ``open_s`` twice at most; so may
        one of RTMP or HTTP that waits for a silent peer, for ``stall_s``.
        """
        self._over.set()
        thread = self._thread
        if thread is not None and thread is not threading.current_thread():
            thread.join(STOPS_S)

    def _run(self, receiver: Receiver) -> None:
        line = Line(
            self.name,
            receiver,
            Watch(receiver, self._address, self._options, self._over),
            LiveClock(self._options.clock, finite=self._address.finite),
            NamedNotes(self.name),
            self._over,
            Pace() if self._is_paced() else None,
        )
        try:
            while not self._over.is_set() and self._once_more(line):
                pass
        except Exception as error:  # a fault of ours: the stream must know that nothing will come
            logger.exception("%s: the source has failed", self.name)
            failure = Failure("other", f"{type(error).__name__} in the source", permanent=True)
            line.watch.tell("failed", failure)

    def _is_paced(self) -> bool:
        address = self._address
        stored = address.kind in ("file", "http") or address.is_stored
        return address.kind == "hls" or (self._options.realtime and stored)

    def _once_more(self, line: Line) -> bool:
        """Connect, read to the end and wait; return False where there is nothing to come."""
        frames_before = line.watch.last_frame_s
        failure, finite = self._connect(line)
        if self._over.is_set():
            return False
        if line.watch.last_frame_s > frames_before:
            self._backoff.reset()
        if failure.reason == "eof" and finite:
            if self._options.loop and not is_fifo(self._address) and self._address.kind != "pipe":
                return True
            line.watch.tell("ended")
            return False
        if failure.permanent or (finite and self._address.finite) or self._gives_up(line):
            line.watch.tell("failed", failure)
            return False
        if failure.reason == "timeout" and self._address.listen:
            return True  # nobody has called yet
        line.watch.tell("waiting", failure)
        self._over.wait(self._backoff.wait_s(failure.reason))
        return not self._over.is_set()

    def _gives_up(self, line: Line) -> bool:
        limit_s = self._options.reconnect.give_up_s
        return limit_s is not None and time.monotonic() - line.watch.last_frame_s > limit_s

    def _connect(self, line: Line) -> tuple[Failure, bool]:
        """Return why one connection has ended, and whether the source was one with an end."""
        line.watch.connecting()
        began_s, opening, finite = time.monotonic(), True, self._address.finite
        connection: Connection | None = None
        try:
            connection = Connection(self._address, self._options, self._over, line.watch)
            opening = False
            line.connections += 1
            line.watch.packet()
            finite = connection.finite
            drains = not finite and line.pace is None
            session = Session(connection, line, self._options.backlog_s if drains else None)
            return session.run(), finite
        except ERRORS as error:
            late = time.monotonic() - began_s > 0.9 * self._options.open_s and opening
            failure = line.watch.failure or failure_of(error, opening=opening, late=late)
            return failure, finite
        finally:
            if connection is not None:
                connection.close()
