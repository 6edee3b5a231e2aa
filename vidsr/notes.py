"""What was assumed, dropped, concealed or switched: said once, and kept for the report."""

from __future__ import annotations

import logging
import threading

logger = logging.getLogger("vidsr")


class Notes:
    """Collects short sentences from any thread; each is logged once, as it is first said."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._said: dict[str, None] = {}

    def say(self, text: str) -> None:
        with self._lock:
            if text in self._said:
                return
            self._said[text] = None
        logger.warning(text)

    @property
    def said(self) -> tuple[str, ...]:
        with self._lock:
            return tuple(self._said)
