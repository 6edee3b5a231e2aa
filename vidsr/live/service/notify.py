"""Messages to systemd: ready, alive, stopping. Silent where systemd has not started the process."""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping

_UNITS = 1e6  # WATCHDOG_USEC


class Notifier:
    """Sender of the service's state to the socket in ``NOTIFY_SOCKET``.

    Args:
        environment: The environment; None for the process's.
    """

    def __init__(self, environment: Mapping[str, str] | None = None) -> None:
        given = os.environ if environment is None else environment
        path = given.get("NOTIFY_SOCKET", "")
        self._address = "\0" + path[1:] if path.startswith("@") else path
        self._alive_s = _watchdog_s(given)
        self._due_s = 0.0

    def ready(self) -> None:
        """Tell that everything has been started."""
        self._send(f"READY=1\nMAINPID={os.getpid()}")

    def reloading(self) -> None:
        """Tell that the configuration was read again; the service is ready as before."""
        self._send("STATUS=the configuration was read again")

    def stopping(self) -> None:
        """Tell that the end has begun."""
        self._send("STOPPING=1")

    def alive(self, now_s: float) -> None:
        """Give a sign of life where one is due: twice in the time that the watchdog waits."""
        if self._alive_s is not None and now_s >= self._due_s:
            self._due_s = now_s + self._alive_s / 2
            self._send("WATCHDOG=1")

    def _send(self, text: str) -> None:
        if not self._address:
            return
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
                sender.setblocking(False)  # a full socket loses a sign of life, not the process
                sender.sendto(text.encode(), self._address)
        except OSError:  # who does not listen is not told
            return


def _watchdog_s(environment: Mapping[str, str]) -> float | None:
    """Return the seconds that the watchdog waits, None where there is none for this process."""
    if environment.get("WATCHDOG_PID", str(os.getpid())) != str(os.getpid()):
        return None
    try:
        return max(0.1, int(environment.get("WATCHDOG_USEC", "")) / _UNITS)
    except ValueError:
        return None
