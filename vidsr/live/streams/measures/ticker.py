"""A thread that ticks, and notes when the machine let nothing of the process run."""

from __future__ import annotations

import threading
import time
from collections import deque

EVERY_S = 0.01
PAUSE_S = 0.05  # a later tick is a pause
KEPT = 1000


class Ticker:
    """Ticks of a process: its sign of life, and its pauses, which no stream is to blame for."""

    def __init__(self) -> None:
        self._stopped = threading.Event()
        self._last_s = time.monotonic()
        self._pauses: deque[tuple[float, float]] = deque(maxlen=KEPT)  # end and length
        self._longest_s = self._sum_s = 0.0
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin to tick."""
        self._thread = threading.Thread(target=self._tick, name="vidsr-ticker", daemon=True)
        self._last_s = time.monotonic()
        self._thread.start()

    def stop(self) -> None:
        """End. May be called twice."""
        self._stopped.set()
        if self._thread is not None:
            self._thread.join(1.0)

    @property
    def age_s(self) -> float:
        """Seconds since the last tick."""
        return time.monotonic() - self._last_s

    @property
    def longest_pause_s(self) -> float:
        """The longest pause so far, 0 for none."""
        return self._longest_s

    @property
    def paused_s(self) -> float:
        """The sum of all pauses."""
        return self._sum_s

    def paused_between(self, begin_s: float, end_s: float) -> float:
        """Return for how many seconds between two moments of the clock nothing ran."""
        pauses = tuple(self._pauses)
        shared = (min(end, end_s) - max(end - length, begin_s) for end, length in pauses)
        return sum(each for each in shared if each > 0)

    def _tick(self) -> None:
        while not self._stopped.wait(EVERY_S):
            now_s = time.monotonic()
            late_s = now_s - self._last_s - EVERY_S
            if late_s >= PAUSE_S:
                self._pauses.append((now_s, late_s))
                self._longest_s = max(self._longest_s, late_s)
                self._sum_s += late_s
            self._last_s = now_s
