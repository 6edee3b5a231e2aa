"""Faults that may come with every picture, logged once and then now and then."""

from __future__ import annotations

import logging
import time

AGAIN_AFTER_S = 30.0


class Faults:
    """Log of one stream's faults, in which the same text does not stand 25 times a second.

    Args:
        logger: Where they are logged.
        stream: The stream's name.
    """

    def __init__(self, logger: logging.Logger, stream: str) -> None:
        self._logger, self._stream = logger, stream
        self._text, self._due_s, self._more = "", 0.0, 0

    def log(self, text: str) -> None:
        """Log a fault, unless it is the one that was logged a moment ago."""
        now_s = time.monotonic()
        if text == self._text and now_s < self._due_s:
            self._more += 1
            return
        again = f" ({self._more} times more)" if text == self._text and self._more else ""
        self._logger.error("%s: %s%s", self._stream, text, again)
        self._text, self._due_s, self._more = text, now_s + AGAIN_AFTER_S, 0
