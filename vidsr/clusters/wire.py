"""The side of a run in its child programs: pieces come in by lines, and what happened goes out."""

from __future__ import annotations

import json
import os
import queue
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import IO

from vidsr.clusters.messages import Assignment, Event


@dataclass(frozen=True)
class Wire:
    """Pieces to be made, and a place for events.

    Args:
        given: Pieces in their order; None once the run has ended.
        tell: A function that sends an event; thread-safe.
    """

    given: queue.SimpleQueue[Assignment | None]
    tell: Callable[[Event], None]


def open_wire() -> Wire:
    """Return the wire to the program that started this one, on its standard streams.

    Whatever libraries print goes to stderr from here on. Where the other end is gone, the process
    ends at once.
    """
    out = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    lines = os.fdopen(os.dup(0), "r", encoding="utf-8")
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    given = queue.SimpleQueue[Assignment | None]()
    lock = threading.Lock()

    def tell(event: Event) -> None:
        try:
            with lock:
                print(event.to_json(), file=out, flush=True)
        except OSError:
            os._exit(1)

    threading.Thread(target=_read, args=(lines, given), name="vidsr-wire", daemon=True).start()
    return Wire(given, tell)


def _read(lines: IO[str], given: queue.SimpleQueue[Assignment | None]) -> None:
    try:
        for line in lines:
            given.put(Assignment(**json.loads(line)))
    except (ValueError, TypeError):  # a line that a kill of the other end cut short
        pass
    finally:
        given.put(None)


def say_broken(wire: Wire, message: str, hint: str = "", kind: str = "OutputError") -> None:
    """Tell that no piece can be made any more."""
    wire.tell(Event("broken", error=kind, message=message, hint=hint))


def argument() -> str:
    """Return what the program was started with."""
    return sys.argv[1]
