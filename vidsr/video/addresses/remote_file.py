"""A file behind an address as a file object: whole, whatever becomes of the connection."""

from __future__ import annotations

import contextlib
import os
import threading

from vidsr.errors import InputError
from vidsr.video.addresses.connection import (
    BrokenError,
    Connection,
    Connector,
    Patience,
    unreadable,
)
from vidsr.video.locator import Locator

SKIPPED_BYTES = 1 << 18  # read on instead of connecting anew, as far ahead as this
_PART = 1 << 16
_ENDED = "the server sends no more"


class RemoteFile:
    """The bytes of a file behind an address; a break is mended where it happened.

    It never ends before the length that the server has announced. Errors wait in ``error``: PyAV
    would take what is raised in ``read`` for the end, or drop it.

    Args:
        connector: The way to the server.
        locator: The address for messages, which hide passwords.
        patience: The limits of waiting.
        stopped: A flag that ends every wait.
    """

    def __init__(
        self, connector: Connector, locator: Locator, patience: Patience, stopped: threading.Event
    ) -> None:
        self._connector, self._locator = connector, locator
        self._patience, self._stopped = patience, stopped
        self.error: BaseException | None = None
        self.head, self.closed = b"", False
        self._wanted = self._at = 0
        first = self._reach()
        self._connection: Connection | None = first
        self.size: int | None = first.size
        self.ranged, self.certain, self.version = first.ranged, first.certain, first.version

    def _reach(self) -> Connection:
        """Connect for the first time, in a few tries. Raises InputError."""
        reason = ""
        for failures in range(self._patience.first_tries):
            if failures and self._stopped.wait(self._patience.pause(failures)):
                break
            try:
                first = self._connector.connect(0, "")
            except BrokenError as error:
                reason = str(error)
                continue
            if first.begin:
                raise unreadable(self._locator, "the server sends another part than asked for")
            return first
        raise unreadable(self._locator, f"cannot be reached: {reason}")

    def peek(self, size: int) -> bytes:
        """Return the first bytes, which are kept; call before anything else is read."""
        head = b""
        while len(head) < size and (part := self._read(size - len(head))):
            head += part
        self.head, self._wanted = head, 0
        return head

    def read(self, size: int) -> bytes:
        """Return bytes, empty at the end and after an error."""
        if self.error is not None or self.closed:
            return b""
        try:
            return self._read(size)
        except BaseException as error:  # Ctrl-C too: PyAV would drop what is raised here
            self.error = error
            return b""

    def _read(self, size: int) -> bytes:
        if self._wanted < len(self.head):
            data = self.head[self._wanted : self._wanted + size]
            self._wanted += len(data)
            return data
        failures = 0
        while self.size is None or self._wanted < self.size:
            if self._stopped.is_set():
                raise unreadable(self._locator, "reading was stopped")
            try:
                data = self._next(size)
            except BrokenError as error:
                self._drop()
                failures += 1
                if failures >= self._patience.tries:
                    raise self._given_up(str(error)) from error
                self._stopped.wait(self._patience.pause(failures))
            else:
                self._wanted += len(data)
                return data
        return b""

    def _given_up(self, reason: str) -> InputError:
        total = "" if self.size is None else f" of {self.size}"
        return unreadable(
            self._locator,
            f"the connection broke at byte {self._wanted}{total} and could not be resumed: "
            f"{reason or _ENDED}",
        )

    def _next(self, size: int) -> bytes:
        """Return what comes at ``_wanted``; empty only at the end of a file of unknown length.

        Raises BrokenError where the connection ends before the file does.
        """
        connection = self._placed()
        while self._at < self._wanted:
            skipped = connection.read(min(_PART, self._wanted - self._at))
            self._at += len(skipped)
            if not skipped:
                raise BrokenError(_ENDED)
        data = connection.read(size)
        self._at += len(data)
        if not data and self.size is not None:
            raise BrokenError(_ENDED)
        return data

    def _placed(self) -> Connection:
        """Return a connection that has not passed ``_wanted``. Raises BrokenError, InputError."""
        connection = self._connection
        far = self.ranged and self._wanted - self._at > SKIPPED_BYTES
        if connection is not None and self._at <= self._wanted and not far:
            return connection
        self._drop()
        begin = self._wanted if self.ranged else 0
        connection = self._connector.connect(begin, self.version)
        self._connection, self._at = connection, connection.begin
        same_size = connection.size is None or connection.size == self.size
        if not same_size or connection.version != self.version or self._at > self._wanted:
            raise unreadable(self._locator, "has changed while it was read")
        return connection

    def _drop(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            with contextlib.suppress(OSError, EOFError):
                connection.close()

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Go to another place; nothing is read before it is asked for."""
        if whence == os.SEEK_END and self.size is None:
            raise OSError("the length is not known")
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._wanted, os.SEEK_END: self.size or 0}[whence]
        self._wanted = max(0, base + offset)
        return self._wanted

    def tell(self) -> int:
        """Return the place of the next byte."""
        return self._wanted

    def readable(self) -> bool:
        """Return True."""
        return True

    def seekable(self) -> bool:
        """Return True where the server sends parts, and says how long the whole is."""
        return self.ranged and self.size is not None

    def interrupt(self) -> None:
        """End a read that waits, from any thread."""
        if (connection := self._connection) is not None:
            connection.interrupt()

    def close(self) -> None:
        """End the connection; may be called twice."""
        self.closed = True
        self._drop()
