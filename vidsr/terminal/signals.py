"""The process of every command: signals that end it in order, and streams that are open."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

ENDING = ("SIGINT", "SIGTERM", "SIGHUP")  # SIGHUP: the terminal was closed
PATIENCE_S = 5.0  # what putting away may take
SIGNALLED = 128  # added to a signal's number in exit statuses


class Interruption:
    """A handler of signals that raises KeyboardInterrupt, and remembers that it did.

    Python drops what is raised while an object is being deleted, and C extensions drop more: of
    several hundred runs one went on to its end. So whoever works for long asks ``asked``, too.
    """

    def __init__(self) -> None:
        self._last_s: float | None = None
        self._number: int = signal.SIGINT

    @property
    def asked(self) -> bool:
        """True once a signal has come."""
        return self._last_s is not None

    @property
    def status(self) -> int:
        """Exit status that shells give to a program that the signal ends: 130 for Ctrl-C."""
        return SIGNALLED + self._number

    def came(self, number: int) -> float | None:
        """Remember a signal. Return when the one before came, None for the first."""
        last_s, self._last_s = self._last_s, time.monotonic()
        if last_s is None:
            self._number = number
        return last_s

    def __call__(self, number: int, frame: FrameType | None) -> None:
        last_s = self.came(number)
        # One is enough: a second must not strike while everything is put away.
        if last_s is None or time.monotonic() - last_s > PATIENCE_S:
            raise KeyboardInterrupt


class PatientInterruption(Interruption):
    """A handler of signals that lets the work end by itself; a second signal ends it at once."""

    def __call__(self, number: int, frame: FrameType | None) -> None:
        if self.came(number) is not None:
            raise KeyboardInterrupt


def open_closed_streams() -> None:
    """Give descriptors 0 to 2 to nothing where they are closed, before a file can take them."""
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        if getattr(sys, name) is None:
            mode = "r" if number == 0 else "w"
            descriptor = os.open(os.devnull, os.O_RDWR)
            if descriptor != number:
                os.dup2(descriptor, number)
                os.close(descriptor)
            setattr(sys, name, open(number, mode))  # noqa: SIM115 - as long as the process


@contextmanager
def signals_caught(interruption: Interruption | None = None) -> Iterator[Interruption]:
    """Let whatever ends a command call ``interruption``, unless it is ignored (nohup).

    Without one, it raises KeyboardInterrupt. Signals are the main thread's: in others nothing is
    caught.
    """
    numbers = [getattr(signal, name) for name in ENDING if hasattr(signal, name)]
    before = {number: signal.getsignal(number) for number in numbers}
    interruption = interruption or Interruption()
    if threading.current_thread() is not threading.main_thread():
        before = {}
    for number, handler in before.items():
        if handler != signal.SIG_IGN:
            signal.signal(number, interruption)
    try:
        yield interruption
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
