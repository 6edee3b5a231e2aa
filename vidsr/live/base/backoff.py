"""Waits between tries to connect: longer each time, and never the same for many streams."""

from __future__ import annotations

import random
from collections.abc import Callable

from vidsr.live.base.options import ReconnectOptions
from vidsr.live.base.states import FailureReason

# Nobody is bothered where nobody answers, and a try without an answer takes ``open_s`` itself:
# asking more often finds a peer that is back within 2.5 s.
UNANSWERED_S = 1.5
_UNANSWERED = ("refused", "timeout")


class Backoff:
    """A sequence of waits: ``first_s`` doubled up to ``longest_s``, shortened or lengthened a bit.

    Args:
        options: The times and the jitter.
        uniform: Random numbers between two bounds.
    """

    def __init__(
        self,
        options: ReconnectOptions,
        uniform: Callable[[float, float], float] = random.uniform,
    ) -> None:
        self._options, self._uniform = options, uniform
        self.reset()

    def reset(self) -> None:
        """Begin anew, after a success."""
        self._next_s = min(self._options.first_s, self._options.longest_s)

    def wait_s(self, reason: FailureReason = "other") -> float:
        """Return how long to wait before the next try, in seconds."""
        options, wait_s = self._options, self._next_s
        self._next_s = min(2 * wait_s, options.longest_s)
        if reason in _UNANSWERED:
            wait_s = min(wait_s, max(UNANSWERED_S, options.first_s))
        return wait_s * self._uniform(1 - options.jitter, 1 + options.jitter)
