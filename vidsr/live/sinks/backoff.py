"""Times between tries to connect, longer with each failure."""

from __future__ import annotations

import random

from vidsr.live.base.options import ReconnectOptions

# Sinks are back within 2.5 s of their peer, jitter and the start of a child included. A try that
# fails is a connection and no process.
SINK_RECONNECT = ReconnectOptions(longest_s=1.0)


class Backoff:
    """A counter of failures, and the pause after each."""

    def __init__(self, options: ReconnectOptions) -> None:
        self._options = options
        self._failures = 0

    def next_s(self) -> float:
        """Return how long to wait after one more failure, in seconds."""
        pause = min(self._options.first_s * 2.0**self._failures, self._options.longest_s)
        self._failures = min(self._failures + 1, 30)
        return pause * (1 + self._options.jitter * random.uniform(-1, 1))

    def reset(self) -> None:
        """Begin anew, after a success."""
        self._failures = 0
