"""The patience of a stream that loses no frame: it waits where its sinks have no room."""

from __future__ import annotations

import threading
from collections.abc import Callable

_LOOK_EVERY_S = 0.1


class Patience:
    """A wait for room in sinks of this machine, such as pipes, until the stream is stopped."""

    def __init__(self) -> None:
        self._over = threading.Event()

    def end(self) -> None:
        """Wait no more. Callable from any thread."""
        self._over.set()

    def await_room(self, changed: threading.Condition, has_room: Callable[[], bool]) -> None:
        """Wait until ``has_room``; ``changed``, which the caller holds, tells when to look."""
        while not self._over.is_set() and not has_room():
            changed.wait(_LOOK_EVERY_S)

    def join(self, thread: threading.Thread) -> None:
        """Wait for the end of a sink's thread."""
        while not self._over.is_set() and thread.is_alive():
            thread.join(_LOOK_EVERY_S)
