"""Measures over the newest moments of a stream: frames a second, and percentiles of latency."""

from __future__ import annotations

import threading
from collections import deque

WINDOW_S = 10.0
NEWEST = 500  # latencies that percentiles are taken of


class Rate:
    """Events a second over the last ten seconds. For use by several threads."""

    def __init__(self, started_s: float) -> None:
        self._lock = threading.Lock()
        self._times: deque[float] = deque()
        self._started_s = started_s

    def add(self, now_s: float) -> None:
        """Note an event."""
        with self._lock:
            self._times.append(now_s)
            self._forget(now_s)

    def per_second(self, now_s: float) -> float:
        """Return events a second, over the time since the start while that is shorter."""
        with self._lock:
            self._forget(now_s)
            span_s = min(WINDOW_S, max(1.0, now_s - self._started_s))
            return len(self._times) / span_s

    def _forget(self, now_s: float) -> None:
        while self._times and self._times[0] <= now_s - WINDOW_S:
            self._times.popleft()


class Percentiles:
    """The newest durations, of which percentiles are asked. For use by several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._newest: deque[float] = deque(maxlen=NEWEST)

    def add(self, seconds: float) -> None:
        """Note a duration."""
        with self._lock:
            self._newest.append(seconds)

    def at(self, *shares: float) -> tuple[float | None, ...]:
        """Return the durations below which these shares lie; None each before the first one."""
        with self._lock:
            ordered = sorted(self._newest)
        if not ordered:
            return (None,) * len(shares)
        last = len(ordered) - 1
        return tuple(ordered[min(last, round(share * last))] for share in shares)
