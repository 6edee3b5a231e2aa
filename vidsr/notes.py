"""Notes of a run: what was assumed, dropped, concealed or switched, logged once and reported."""

from __future__ import annotations

import logging
import threading

logger = logging.getLogger("vidsr")


class Notes:
    """Collection of short sentences from any thread; each is logged the first time.

    Doubts and losses are warnings, choices that lose nothing are information, and what nobody can
    see or act on is logged for debugging alone.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._said: dict[str, None] = {}

    def say(self, text: str) -> None:
        """Record a doubt or a loss, and log it as a warning unless it was recorded before."""
        self._record(text, logging.WARNING)

    def choose(self, text: str) -> None:
        """Record a choice, and log it as information unless it was recorded before."""
        self._record(text, logging.INFO)

    def detail(self, text: str) -> None:
        """Record an assumption that everybody makes, and log it for debugging."""
        self._record(text, logging.DEBUG)

    def remember(self, text: str) -> None:
        """Record a sentence that was logged before, for another run."""
        with self._lock:
            self._said[text] = None

    def _record(self, text: str, level: int) -> None:
        with self._lock:
            if text in self._said:
                return
            self._said[text] = None
        logger.log(level, text)

    @property
    def said(self) -> tuple[str, ...]:
        """Return the sentences recorded so far, in order."""
        with self._lock:
            return tuple(self._said)


class SilentNotes(Notes):
    """Collection that keeps and logs nothing: what it would say was said before."""

    def _record(self, text: str, level: int) -> None:
        pass
