"""Results of one stream in the order in which their frames went to work."""

from __future__ import annotations

import threading
from collections.abc import Callable


class Outbox:
    """Deliveries of one stream, one at a time and in order, from whichever worker is done.

    Every ticket that was drawn has to be filled, also that of a frame without a result.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._drawn, self._next = 0, 0
        self._filled: dict[int, Callable[[], None]] = {}
        self._delivering = False

    def draw(self) -> int:
        """Return the ticket of the next frame that goes to work."""
        with self._lock:
            self._drawn += 1
            return self._drawn - 1

    @property
    def is_empty(self) -> bool:
        """True where everything that was drawn is delivered."""
        with self._lock:
            return self._next == self._drawn and not self._delivering

    def fill(self, ticket: int, deliver: Callable[[], None]) -> None:
        """Deliver what a ticket stands for, after all before it; what waits for it follows.

        ``deliver`` may be called by another thread that is delivering just now. It does not raise.
        """
        with self._lock:
            self._filled[ticket] = deliver
            if self._delivering:
                return
            self._delivering = True
        while (due := self._take()) is not None:
            due()

    def _take(self) -> Callable[[], None] | None:
        with self._lock:
            due = self._filled.pop(self._next, None)
            self._delivering = due is not None
            self._next += due is not None
            return due
