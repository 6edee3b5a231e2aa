"""Writing into a pipe: at once, in a way that can be stopped, and alone on standard output."""

from __future__ import annotations

import contextlib
import os
import select
import stat
import sys
from collections.abc import Callable

from vidsr.errors import OutputError, ReaderGoneError
from vidsr.video.media.descriptors import STDOUT
from vidsr.video.media.pipe_reader import POLL_S, widen

_ATOMIC_BYTES = 4096  # what a pipe that can be written to takes without waiting
_STDERR = 2


class StandardOutput:
    """Standard output, taken for a stream: whatever else writes to it meanwhile lands on stderr."""

    def __init__(self) -> None:
        with contextlib.suppress(OSError, ValueError):
            sys.stdout.flush()
        self.descriptor = os.dup(STDOUT)
        os.dup2(_STDERR, STDOUT)
        self._taken = True

    def give_back(self) -> None:
        """Put it back in its place; a second time does nothing."""
        if self._taken:
            self._taken = False
            with contextlib.suppress(OSError, ValueError):
                sys.stdout.flush()
            os.dup2(self.descriptor, STDOUT)
            os.close(self.descriptor)


class PipeWriter:
    """A file object that PyAV writes a stream through; errors wait in ``check``.

    Args:
        descriptor: What to write to; it stays open.
        name: The pipe in messages.
        begin: A function from the first bytes to what is written for them.
    """

    name = "pipe:"

    def __init__(
        self, descriptor: int, name: str, begin: Callable[[bytes], bytes] = lambda data: data
    ) -> None:
        self._begin: Callable[[bytes], bytes] | None = begin
        self._name, self._given = name, descriptor
        self._own = _not_waiting(descriptor)
        self._descriptor = descriptor if self._own is None else self._own
        self._waits = self._own is None and _may_wait(descriptor)
        self._error: BaseException | None = None
        self._stopped = False
        self.written = 0

    def write(self, data: bytes) -> int:
        """Write all of it; after an error nothing is written any more."""
        if self._error is None:
            try:
                begin, self._begin = self._begin, None
                self._write(data if begin is None else begin(data))
            except BaseException as error:  # Ctrl-C too: PyAV would drop what is raised here
                self._error = error
        return len(data)

    def _write(self, data: bytes) -> None:
        view = memoryview(data)
        while view:
            if self._stopped:
                raise OutputError(f"{self._name}: writing was stopped")
            if not _takes(self._descriptor):
                continue
            part = view[:_ATOMIC_BYTES] if self._waits else view
            try:
                done = os.write(self._descriptor, part)
            except BlockingIOError:
                continue
            except BrokenPipeError as error:
                raise ReaderGoneError(f"{self._name}: the reader has gone") from error
            except OSError as error:
                raise OutputError(f"{self._name}: writing failed: {error.strerror}") from error
            self.written += done
            view = view[done:]

    def check(self) -> None:
        """Raise what went wrong: OutputError, ReaderGoneError, or what struck meanwhile."""
        if self._error is not None:
            raise self._error

    def stop(self) -> None:
        """End a write that waits, from any thread."""
        self._stopped = True

    def close(self) -> None:
        """Close what this writer has opened itself; a second time does nothing."""
        own, self._own = self._own, None
        if own is not None:
            os.close(own)

    def writable(self) -> bool:
        """Return True."""
        return True

    def seekable(self) -> bool:
        """Return False."""
        return False


def _not_waiting(descriptor: int) -> int | None:
    """Return a second way into a pipe, on which no write waits; None where there is none.

    A flag on the descriptor itself would be set for every process that shares it.
    """
    if not stat.S_ISFIFO(os.fstat(descriptor).st_mode):
        return None
    widen(descriptor)
    try:
        return os.open(f"/proc/self/fd/{descriptor}", os.O_WRONLY | os.O_NONBLOCK)
    except OSError:  # no Linux, or a pipe whose reader has gone
        return None


def _may_wait(descriptor: int) -> bool:
    mode = os.fstat(descriptor).st_mode
    return stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode) or stat.S_ISCHR(mode)


def _takes(descriptor: int) -> bool:
    """Return True once something can be written, False after a while."""
    if not hasattr(select, "poll"):
        return True
    poll = select.poll()
    poll.register(descriptor, select.POLLOUT | select.POLLERR | select.POLLHUP)
    return bool(poll.poll(POLL_S * 1000))
