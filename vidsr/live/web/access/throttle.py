"""Limit on attempts to guess the token: growing pauses for each address."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

FREE_ATTEMPTS = 5
FIRST_PAUSE_S = 1.0
LONGEST_PAUSE_S = 60.0
FORGET_S = 600.0
MOST_ADDRESSES = 1024


@dataclass
class _Past:
    failures: int = 0
    until_s: float = 0.0
    last_s: float = 0.0


class Throttle:
    """Record of failed attempts by address, of bounded size.

    The first five failures cost nothing; each that follows doubles a pause, from one second up to
    a minute, in which no attempt of that address is judged.

    Args:
        clock: A monotonic clock in seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._past: OrderedDict[str, _Past] = OrderedDict()

    def wait_s(self, address: str) -> float:
        """Return the seconds until the address may try again, 0 for at once."""
        past = self._past.get(address)
        return 0.0 if past is None else max(0.0, past.until_s - self._clock())

    def failed(self, address: str) -> None:
        """Count a failure, and begin the pause that it earns."""
        now = self._clock()
        past = self._past.setdefault(address, _Past())
        if now - past.last_s > FORGET_S:
            past.failures = 0
        past.failures, past.last_s = past.failures + 1, now
        beyond = past.failures - FREE_ATTEMPTS
        if beyond > 0:
            # The exponent is bounded too: 2.0 ** 1024 raises an error.
            past.until_s = now + min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2.0 ** min(beyond - 1, 10))
        self._past.move_to_end(address)
        while len(self._past) > MOST_ADDRESSES:
            self._past.popitem(last=False)

    def succeeded(self, address: str) -> None:
        """Forget the failures of an address."""
        self._past.pop(address, None)
