"""Results that wait for the output thread of their stream."""

from __future__ import annotations

import threading
from collections import deque

from vidsr.live.base.items import Result


class Outlet:
    """A short queue from the scheduler's threads to a stream's output thread.

    Args:
        most: Results that may wait; None for any number. The oldest gives way to the newest.
    """

    def __init__(self, most: int | None) -> None:
        self._most = most
        self._changed = threading.Condition()
        self._waiting: deque[Result] = deque()
        self._woken = False
        self._closed = False

    def __len__(self) -> int:
        return len(self._waiting)

    def put(self, result: Result) -> Result | None:
        """Add a result. Return the one that is not to be shown, if there is one."""
        with self._changed:
            if self._closed:
                return result
            self._waiting.append(result)
            self._changed.notify_all()
            if self._most is not None and len(self._waiting) > self._most:
                return self._waiting.popleft()
            return None

    def take(self, longest_s: float) -> Result | None:
        """Return the next result; None where none comes within ``longest_s``, or ``wake`` does."""
        with self._changed:
            if not self._waiting and not self._woken and not self._closed:
                self._changed.wait(max(0.0, longest_s))
            self._woken = False
            result = self._waiting.popleft() if self._waiting else None
            self._changed.notify_all()
            return result

    def await_room(self, most: int) -> None:
        """Wait until fewer than ``most`` results wait, or the queue is closed."""
        with self._changed:
            self._changed.wait_for(lambda: self._closed or len(self._waiting) < most)

    def wake(self) -> None:
        """Let ``take`` return."""
        with self._changed:
            self._woken = True
            self._changed.notify_all()

    def close(self) -> None:
        """Refuse further results; those that wait can still be taken."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
