"""Cookies of browsers that have shown the token: signed, with an end, and without a store."""

from __future__ import annotations

import hmac
import time
from collections.abc import Callable

from vidsr.live.web.access.tokens import Token

COOKIE = "vidsr_live"
LIFETIME_S = 30 * 24 * 3600  # a wall of screens is not asked every morning


class Sessions:
    """Maker and judge of cookies; a change of the token ends all of them.

    Args:
        token: The secret whose knowledge a cookie proves.
        clock: The wall clock in seconds since the epoch.
    """

    def __init__(self, token: Token, clock: Callable[[], float] = time.time) -> None:
        self._key = token.key("session")
        self._clock = clock

    def begin(self) -> str:
        """Return the value of a new cookie."""
        end = str(int(self._clock()) + LIFETIME_S)
        return f"{end}.{self._sign(end)}"

    def holds(self, value: str) -> bool:
        """Return True if ``value`` was made here and is not over."""
        end, _, signature = value.partition(".")
        if not hmac.compare_digest(self._sign(end).encode(), signature.encode(errors="replace")):
            return False
        return self._clock() < int(end)

    def _sign(self, end: str) -> str:
        return hmac.new(self._key, end.encode(errors="replace"), "sha256").hexdigest()
