"""Pipes whose writing can be broken off, whoever reads at the other end."""

from __future__ import annotations

import errno
import os
import select
import threading

# What a pipe that select calls writable takes without blocking, whole: PIPE_BUF of Linux.
PIECE = 4096
_POLL_S = 0.1


class PipeFile:
    """A file object around a descriptor, which is not closed with it.

    Writing waits for the reader, in short steps and without the interpreter's lock; ``stop``
    ends that with an error. The descriptor's own blocking is left as it is: it is shared with
    whoever gave it.
    """

    def __init__(self, descriptor: int, stopped: threading.Event) -> None:
        self._descriptor, self._stopped = descriptor, stopped
        self.written = 0

    def write(self, data: bytes | memoryview) -> int:
        """Write all of the data. Raises OSError where nobody reads any more, or after ``stop``."""
        left = memoryview(data).cast("B")
        size = len(left)
        while left:
            if self._stopped.is_set():
                raise BrokenPipeError(errno.EPIPE, "given up: nobody reads")
            if not select.select((), (self._descriptor,), (), _POLL_S)[1]:
                continue
            count = os.write(self._descriptor, left[:PIECE])
            self.written += count
            left = left[count:]
        return size

    def flush(self) -> None:
        """Do nothing: nothing is held back."""


class PipeEnd:
    """The writing end of standard output or of a named pipe.

    Args:
        path: The named pipe; empty for ``descriptor``.
        descriptor: An open descriptor, which stays open.
    """

    def __init__(self, path: str = "", descriptor: int = 1) -> None:
        self._path, self._descriptor = path, descriptor
        self._stopped = threading.Event()
        self._own: int | None = None

    @property
    def named(self) -> bool:
        """True for a pipe that can be opened again."""
        return bool(self._path)

    def open(self) -> PipeFile:
        """Return the pipe as a file object, once somebody reads it. Raises OSError."""
        if not self._path:
            return PipeFile(self._descriptor, self._stopped)
        while not self._stopped.wait(_POLL_S):
            try:
                self._own = os.open(self._path, os.O_WRONLY | os.O_NONBLOCK)
            except OSError as error:
                if error.errno != errno.ENXIO:  # which means that nobody reads it yet
                    raise
            else:
                return PipeFile(self._own, self._stopped)
        raise BrokenPipeError(errno.EPIPE, "given up: nobody reads")

    def stop(self) -> None:
        """Break off what waits for a reader. Callable from any thread."""
        self._stopped.set()

    def close(self) -> None:
        """Close a named pipe."""
        own, self._own = self._own, None
        if own is not None:
            os.close(own)
