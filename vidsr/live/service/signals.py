"""Signals of the service: SIGTERM is a clean end, SIGHUP reads the configuration again."""

from __future__ import annotations

import signal
from types import FrameType

from vidsr.terminal.signals import PatientInterruption


class LiveInterruption(PatientInterruption):
    """Handler that lets streams end by themselves, and notes the wish for a new configuration.

    ``reloads`` has to be set for that: without a configuration SIGHUP ends the command.
    """

    def __init__(self) -> None:
        super().__init__()
        self.reloads = False
        self._reload_asked = False

    @property
    def hears_reloads(self) -> bool:
        """True where SIGHUP comes through: one that is ignored at the start stays so (nohup)."""
        number = getattr(signal, "SIGHUP", None)
        return number is not None and signal.getsignal(number) is not signal.SIG_IGN

    @property
    def is_clean(self) -> bool:
        """True where the signal that came is the ordinary way to end a service."""
        return self.asked and self._number == signal.SIGTERM

    def take_reload(self) -> bool:
        """Return True once for each wish to read the configuration again."""
        asked, self._reload_asked = self._reload_asked, False
        return asked

    def __call__(self, number: int, frame: FrameType | None) -> None:
        if self.reloads and number == getattr(signal, "SIGHUP", None):
            self._reload_asked = True
            return
        super().__call__(number, frame)
