"""Holders of leases: processes, told apart whatever host names and numbers they share.

Containers often share a host name, and each counts its processes from 1. So a process is looked
for only by one of the same kernel and the same counting (its PID namespace), and a number that has
been given to another process since is known by when that one began. Where a system does not say
all that, nobody is taken for gone, and the lease's age alone decides.
"""

from __future__ import annotations

import json
import os
import socket
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

_PROC = Path("/proc")
_ENDED = ("Z", "X", "x")  # states of a process that only waits to be forgotten


@dataclass(frozen=True)
class Holder:
    """Who holds a lease: a process on a host.

    Args:
        host: The name of its host, for people.
        process: Its number.
        kernel: The start of the kernel and the counting of processes that the number is of; ""
            where the system does not say.
        began: When it began, by its kernel's clock; "" where the system does not say.
    """

    host: str
    process: int
    kernel: str = ""
    began: str = ""

    @classmethod
    def this(cls) -> Self:
        """Return this process."""
        return cls.of(os.getpid())

    @classmethod
    def of(cls, process: int) -> Self:
        """Return a process that runs here."""
        kernel = began = ""
        with suppress(OSError, ValueError):
            began = _state_and_begin(process)[1]
            kernel = _kernel()
        return cls(socket.gethostname(), process, kernel, began)

    def is_gone(self) -> bool:
        """Return True for a process that certainly does not run any more; False in doubt."""
        if not (self.kernel and self.began) or self.kernel != _kernel():
            return False
        if self.host != socket.gethostname():  # machines cloned while they ran share a kernel's id
            return False
        try:
            state, began = _state_and_begin(self.process)
        except FileNotFoundError:
            return True
        except (OSError, ValueError):
            return False
        return state in _ENDED or began != self.began

    def facts(self) -> dict[str, Any]:
        """Return what a lease says of its holder."""
        return asdict(self)


def holder_in(text: str | bytes) -> Holder | None:
    """Return the holder that a lease names, None where it is damaged."""
    try:
        stored = json.loads(text)
        kernel, began = str(stored.get("kernel", "")), str(stored.get("began", ""))
        return Holder(str(stored["host"]), int(stored["process"]), kernel, began)
    except (AttributeError, KeyError, TypeError, ValueError, OverflowError, RecursionError):
        return None


def _kernel() -> str:
    """Return what numbers of processes are counted by here, "" where that is not known."""
    with suppress(OSError, ValueError):
        boot = (_PROC / "sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        # Of another namespace, /proc would show other processes by the same numbers.
        if boot and os.readlink(_PROC / "self") == str(os.getpid()):
            return f"{boot} {os.readlink(_PROC / 'self/ns/pid')}"
    return ""


def _state_and_begin(process: int) -> tuple[str, str]:
    """Return state and beginning of a process. Raises OSError, ValueError.

    ``/proc/N/stat`` has the program's name in brackets, which may hold anything.
    """
    text = (_PROC / str(process) / "stat").read_text(encoding="utf-8", errors="replace")
    words = text.rpartition(")")[2].split()
    if len(words) < 20:
        raise ValueError("expected the state of a process")
    return words[0], words[19]
