"""Leases of pieces: who makes which one, among processes that share nothing but a folder.

A lease is a file whose time of change its holder renews. One that has not been renewed for long is
stale: its holder died or was cut off, and the piece is anybody's. A holder that was only slow does
no harm: a piece that two have made is the same piece, and the later one replaces it whole.
"""

from __future__ import annotations

import json
import os
import socket
import threading
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from vidsr.video.folders.plain_files import create_plain, is_plain, read_plain, remove_plain

STALE_S = 60.0
MOST_BYTES = 4096
_RENEWALS = 6  # within STALE_S: five of them may be late


@dataclass(frozen=True)
class Holder:
    """Who holds a lease: a process on a host."""

    host: str
    process: int

    @classmethod
    def this(cls) -> Holder:
        """Return this process."""
        return cls(socket.gethostname(), os.getpid())

    def is_gone(self) -> bool:
        """Return True for a process of this host that does not run any more."""
        if self.host != socket.gethostname():
            return False
        try:
            os.kill(self.process, 0)
        except ProcessLookupError:
            return True
        except (OSError, OverflowError):
            return False
        return False


class Lease:
    """One piece's lease, renewed by a thread until it is given back."""

    def __init__(self, path: Path, stale_s: float) -> None:
        self.path, self._stale_s = path, stale_s
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._renew, name="vidsr-lease", daemon=True)
        self._thread.start()

    def _renew(self) -> None:
        while not self._over.wait(self._stale_s / _RENEWALS):
            with suppress(OSError):  # a network file system that is away; it may come back
                os.utime(self.path, follow_symlinks=False)

    def release(self) -> None:
        """Give the lease back. May be called twice."""
        self._over.set()
        self._thread.join()
        with suppress(OSError):
            if holder_of(self.path) == Holder.this():
                self.path.unlink()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.release()


def holder_of(path: Path) -> Holder | None:
    """Return who holds a lease; None where nobody does, or what is written there is damaged."""
    try:
        return holder_in(read_plain(path, MOST_BYTES))
    except (OSError, ValueError):
        return None


def holder_in(text: str | bytes) -> Holder | None:
    """Return the holder that a lease names, None where it is damaged."""
    try:
        stored = json.loads(text)
        return Holder(str(stored["host"]), int(stored["process"]))
    except (KeyError, TypeError, ValueError, OverflowError, RecursionError):
        return None


def take(path: Path, stale_s: float = STALE_S) -> Lease | None:
    """Take a lease, or return None where somebody else holds it.

    Args:
        path: Its file; the folder's clock tells how old it is, whatever the hosts' clocks say.
        stale_s: Seconds without renewal after which it is stale.

    Raises:
        OSError: The folder cannot be written.
    """
    for _ in range(2):
        try:
            descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o644)
        except FileExistsError:
            if not _put_away(path, stale_s):
                return None
            continue
        _sign(path, descriptor)
        return Lease(path, stale_s)
    return None


def _sign(path: Path, descriptor: int) -> None:
    """Write the holder into a new lease, which goes if it cannot be written: nobody holds it."""
    holder = Holder.this()
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump({"host": holder.host, "process": holder.process}, file)
    except BaseException:
        path.unlink(missing_ok=True)
        raise


def _put_away(path: Path, stale_s: float) -> bool:
    """Remove a stale lease; return False where it is alive, or another was faster."""
    holder = holder_of(path)
    try:
        renewed_ns = path.lstat().st_mtime_ns
    except OSError:
        return True  # given back meanwhile
    # A time far ahead was set before the clock was put back: a living holder would have renewed it.
    if not (holder is not None and holder.is_gone()) and abs(age_s(path)) < stale_s:
        return False
    if not is_plain(path):  # a folder or a link, which no worker made
        with suppress(OSError):
            remove_plain(path)
        return not path.exists()
    # Who was slow to look must not put away the lease that another has taken since: of each state
    # of a lease only one may, and the mark of that stays until the folder is swept.
    mark = path.with_name(f"{path.name}.{renewed_ns}.part")
    try:
        os.close(os.open(mark, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o644))
        os.replace(path, mark)
    except FileExistsError:
        _forget(mark, stale_s)
        return False
    except OSError:
        return False
    return True


def _forget(mark: Path, stale_s: float) -> None:
    """Remove the mark of a process that died before it put the lease away."""
    with suppress(OSError):
        if mark.lstat().st_size == 0 and age_s(mark) >= stale_s:
            mark.unlink()


def age_s(path: Path) -> float:
    """Return how long ago a file was renewed, by the clock of the file system it lies on."""
    probe = path.with_name(f"{path.name}.{os.getpid()}.{threading.get_ident()}.part")
    try:
        create_plain(probe).close()
        now = probe.stat().st_mtime
        return now - path.lstat().st_mtime
    except FileNotFoundError:
        return float("inf")
    finally:
        probe.unlink(missing_ok=True)
