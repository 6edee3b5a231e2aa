"""Notes of a run: what was assumed, dropped, concealed or switched, logged once and reported."""

from __future__ import annotations

import logging
import threading

logger = logging.getLogger("vidsr")


class Notes:
    """Collection of short sentences from any thread; each is logged as a warning the first time."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._said: dict[str, None] = {}

    def say(self, text: str) -> None:
        """Record ``text``, and log it as a warning unless it was recorded before."""
        with self._lock:
            if text in self._said:
                return
            self._said[text] = None
        logger.warning(text)

    @property
    def said(self) -> tuple[str, ...]:
        """Return the sentences recorded so far, in order."""
        with self._lock:
            return tuple(self._said)
