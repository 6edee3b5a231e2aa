"""The reading end of a pipe, for FFmpeg: a read that waits can be ended from another thread."""

from __future__ import annotations

import contextlib
import os
import select
import threading
from collections.abc import Callable

# How soon a waiting read notices that it is over.
POLL_S = 0.1


class BytePipe:
    """A file object over a descriptor, which it owns: ``read`` gives what is there.

    Args:
        descriptor: What is read; a pipe, a FIFO, a socket or a terminal.
        over: Set to end a read that waits, as at the end of the file.
        waits: Called at every read and while it waits; True ends it in the same way.
    """

    def __init__(
        self, descriptor: int, over: threading.Event, waits: Callable[[], bool] = lambda: False
    ) -> None:
        self._descriptor = descriptor
        self._over, self._waits = over, waits

    def read(self, size: int) -> bytes:
        """Return the next bytes, 1 to ``size``; none at the end and when it is over."""
        while not self._over.is_set() and not self._waits():
            if select.select([self._descriptor], [], [], POLL_S)[0]:
                with contextlib.suppress(BlockingIOError):
                    return os.read(self._descriptor, size)
        return b""

    def close(self) -> None:
        """Give the descriptor back. May be called twice."""
        descriptor, self._descriptor = self._descriptor, -1
        if descriptor >= 0:
            os.close(descriptor)


def open_pipe(path: str) -> int:
    """Return a descriptor of standard input (``-``) or of a FIFO, whose writer may come later."""
    if path == "-":
        return os.dup(0)
    return os.open(path, os.O_RDONLY | os.O_NONBLOCK)
