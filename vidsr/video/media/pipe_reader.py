"""Reading a pipe in a way that can be stopped, with its beginning kept for a second look."""

from __future__ import annotations

import contextlib
import os
import select
import sys

from vidsr.errors import InputError

KEPT_BYTES = 4 << 20  # tables of transport streams come several times in as much
POLL_S = 0.2  # how late a stop is noticed, in seconds
PIPE_BYTES = 1 << 20  # the most that Linux gives to a user


def widen(descriptor: int) -> None:
    """Make a pipe's buffer larger where the system can: raw pictures take fewer turns."""
    if sys.platform == "linux":
        import fcntl

        with contextlib.suppress(OSError):
            fcntl.fcntl(descriptor, fcntl.F_SETPIPE_SZ, PIPE_BYTES)


class PipeReader:
    """The bytes of a pipe, in order; what has been read is kept until ``settle``.

    Args:
        descriptor: What to read from; ``close`` closes it where it is ``owned``.
        name: The pipe in messages.
        owned: False for standard input.
    """

    def __init__(self, descriptor: int, name: str, *, owned: bool) -> None:
        self.name, self._descriptor, self._owned = name, descriptor, owned
        self.kept = bytearray()
        self.position = 0
        self.ended = False
        self.error: BaseException | None = None
        self._settled = self._stopped = self._closed = False
        widen(descriptor)

    @property
    def whole(self) -> bool:
        """True while all that has been read is kept."""
        return len(self.kept) == self.position

    def settle(self) -> None:
        """Keep no more than the beginning, as soon as everything kept has been taken."""
        self._settled = True

    def more(self, size: int) -> bytes:
        """Return the next bytes of the pipe itself, empty at its end and after an error."""
        if self.ended or self.error is not None:
            return b""
        try:
            data = self._wait_and_read(size)
        except BaseException as error:  # Ctrl-C too: PyAV would drop what is raised here
            self.error = error
            return b""
        if self._settled and self.whole and self.position > KEPT_BYTES:
            del self.kept[KEPT_BYTES:]
        if not self._settled or self.whole:
            self.kept += data
        self.position += len(data)
        self.ended = not data
        return data

    def _wait_and_read(self, size: int) -> bytes:
        while not self._stopped:
            if _is_ready(self._descriptor):
                try:
                    return os.read(self._descriptor, size)
                except BlockingIOError:  # another reader was faster
                    continue
                except OSError as error:
                    raise InputError(f"{self.name}: cannot be read: {error.strerror}") from error
        raise InputError(f"{self.name}: reading was stopped")

    def stop(self) -> None:
        """End a read that waits, within ``POLL_S``."""
        self._stopped = True

    def close(self) -> None:
        """Close the descriptor, so that whoever writes hears of it."""
        if self._owned and not self._closed:
            self._closed = True
            os.close(self._descriptor)


def _is_ready(descriptor: int) -> bool:
    if not hasattr(select, "poll"):  # Windows: pipes cannot be asked
        return True
    poll = select.poll()
    poll.register(descriptor, select.POLLIN | select.POLLHUP | select.POLLERR)
    return bool(poll.poll(POLL_S * 1000))


class PipeView:
    """A file object that PyAV reads a pipe through, from the beginning.

    Args:
        reader: The pipe.
        ahead: True to go on with the pipe behind what is kept; False ends there.
    """

    name = "pipe:"  # no suffix from which FFmpeg would guess

    def __init__(self, reader: PipeReader, *, ahead: bool) -> None:
        self._reader, self._ahead, self._at = reader, ahead, 0

    def read(self, size: int) -> bytes:
        """Return bytes, empty at the end."""
        reader = self._reader
        if self._at < len(reader.kept):
            data = bytes(reader.kept[self._at : self._at + size])
        elif self._ahead and self._at == reader.position:
            data = reader.more(size)
        else:
            data = b""
        self._at += len(data)
        return data

    def readable(self) -> bool:
        """Return True."""
        return True

    def seekable(self) -> bool:
        """Return False."""
        return False
