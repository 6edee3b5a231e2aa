"""Connections to servers: bytes from a place on, and how long they may take."""

from __future__ import annotations

import contextlib
import os
import socket
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from vidsr.errors import InputError
from vidsr.video.locator import Locator


@dataclass(frozen=True)
class Patience:
    """The limits of waiting for a server.

    Args:
        timeout_s: Seconds without a byte after which a connection counts as broken.
        first_tries: Tries to connect at all.
        tries: Tries in a row to go on after a break; a byte that comes sets the count back.
        pause_s: Seconds before the second try; each further pause is twice as long.
        longest_pause_s: Seconds that no pause exceeds.
    """

    timeout_s: float = 20.0
    first_tries: int = 2
    tries: int = 8
    pause_s: float = 0.5
    longest_pause_s: float = 10.0

    def pause(self, failures: int) -> float:
        """Return the seconds to wait after so many failures in a row."""
        return float(min(self.longest_pause_s, self.pause_s * 2 ** (failures - 1)))


class BrokenError(Exception):
    """A connection that broke, or a server that is busy: another try may go on."""


@dataclass
class Connection:
    """An answer of a server that is being read.

    Args:
        read: A function that returns up to so many bytes, empty at the end. Raises BrokenError.
        close: A function that ends the connection.
        begin: The place of the first byte.
        size: Bytes of the whole, None where the server does not say.
        ranged: True if reading may begin at any place.
        version: What the server calls this version of the file, empty for nothing.
        certain: False where an early end would look like the end of the file.
        interrupt: A function that ends a read that waits, from any thread.
    """

    read: Callable[[int], bytes]
    close: Callable[[], None]
    begin: int = 0
    size: int | None = None
    ranged: bool = False
    version: str = ""
    certain: bool = True
    interrupt: Callable[[], None] = lambda: None


class Connector(Protocol):
    """One kind of server."""

    def connect(self, begin: int, version: str) -> Connection:
        """Ask for the bytes from ``begin`` on, of ``version`` where that is known.

        Raises:
            BrokenError: Another try may succeed.
            InputError: The server has nothing of the name, or refuses.
        """
        ...


def hang_up(descriptor: int) -> None:
    """Shut a socket down by its number, which ends a read of it in another thread."""
    with contextlib.suppress(OSError), socket.socket(fileno=os.dup(descriptor)) as same:
        same.shutdown(socket.SHUT_RDWR)


def unreadable(locator: Locator, reason: str, hint: str = "") -> InputError:
    """Return the error for an address that cannot be read; the message hides passwords."""
    return InputError(f"{locator}: {reason}", hint=hint)
