"""Arrivals in watched folders: which files are complete, from looks at sizes and times."""

from __future__ import annotations

import os
import stat
import sys
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from vidsr.batch.inputs import Found

# A rename changes the time of the entry and not that of the content; a write changes both at once.
RENAMED_AFTER_NS = 20_000_000


@dataclass(frozen=True)
class State:
    """A file as one look saw it."""

    inode: int
    size_bytes: int
    changed_ns: int
    entry_changed_ns: int

    @classmethod
    def of(cls, path: Path) -> State | None:
        """Return the state of a file; None where it has gone, or is no file."""
        try:
            found = os.stat(path)
        except OSError:
            return None
        if not stat.S_ISREG(found.st_mode):
            return None
        return cls(found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns)

    @property
    def put_in_place(self) -> bool:
        """True where the entry changed after the content did; on Windows nothing tells.

        It was renamed then, or is a copy whose time was set last.
        """
        if sys.platform == "win32":
            return False
        return self.entry_changed_ns - self.changed_ns > RENAMED_AFTER_NS


@dataclass(frozen=True)
class _Seen:
    state: State
    since_s: float


class Arrivals:
    """The files of watched folders that were not taken yet, and since when each has rested.

    Args:
        settle_s: Seconds of rest after which a file is complete, unless it was put in place.
    """

    def __init__(self, settle_s: float) -> None:
        self._settle_s = settle_s
        self._seen: dict[str, _Seen] = {}
        self._taken: dict[str, State] = {}

    def look(self, files: Iterable[Found], now_s: float | None = None) -> list[Found]:
        """Return the files that are complete now; forget those that have gone."""
        now_s = time.monotonic() if now_s is None else now_s
        seen: dict[str, _Seen] = {}
        taken: dict[str, State] = {}
        complete = []
        for found, state in _states(files):
            name = found.source.text
            if self._taken.get(name) == state:
                taken[name] = state
                continue
            before = self._seen.get(name)
            rested = before if before is not None and before.state == state else None
            seen[name] = rested or _Seen(state, now_s)
            if state.size_bytes and self._complete(seen[name], now_s):
                complete.append(found)
        self._seen, self._taken = seen, taken
        return complete

    def _complete(self, seen: _Seen, now_s: float) -> bool:
        return seen.state.put_in_place or now_s - seen.since_s >= self._settle_s

    def take(self, found: Found) -> bool:
        """Take a file, which comes again only if it changes. Return False if it has gone."""
        state = State.of(found.source.path)
        if state is None:
            return False
        self._taken[found.source.text] = state
        return True


def _states(files: Iterable[Found]) -> Iterator[tuple[Found, State]]:
    for found in files:
        state = State.of(found.source.path)
        if state is not None:
            yield found, state
