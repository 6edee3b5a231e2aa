"""Leases of pieces: who makes which one, among processes that share nothing but a folder.

A lease is a file whose time of change its holder renews. One that has not been renewed for long is
stale: its holder died or was cut off, and the piece is anybody's. A holder that was only slow does
no harm: a piece that two have made is the same piece, and the later one replaces it whole.
"""

from __future__ import annotations

import json
import os
import secrets
import threading
import time
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from vidsr.video.folders.holders import Holder, holder_in
from vidsr.video.folders.plain_files import create_plain, is_plain, read_plain, remove_plain

STALE_S = 60.0
MOST_BYTES = 4096
_RENEWALS = 6  # within STALE_S: five of them may be late


class Lease:
    """One piece's lease, renewed by a thread until it is given back.

    Args:
        path: Its file.
        text: What was written into it, and into no other.
        stale_s: Seconds without renewal after which it is stale.
    """

    def __init__(self, path: Path, text: str, stale_s: float) -> None:
        self.path, self._text, self._stale_s = path, text, stale_s
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._renew, name="vidsr-lease", daemon=True)
        self._thread.start()

    def _renew(self) -> None:
        while not self._over.wait(self._stale_s / _RENEWALS):
            with suppress(OSError):  # a network file system that is away; it may come back
                if self._is_own():  # or another's, who took it while this process was stopped
                    os.utime(self.path, follow_symlinks=False)

    def _is_own(self) -> bool:
        with suppress(ValueError):
            return read_plain(self.path, MOST_BYTES) == self._text
        return False

    def release(self) -> None:
        """Give the lease back. May be called twice."""
        self._over.set()
        self._thread.join()
        with suppress(OSError):
            if self._is_own():
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
        return Lease(path, _sign(path, descriptor), stale_s)
    return None


def _sign(path: Path, descriptor: int) -> str:
    """Write the holder into a new lease and return the text.

    The lease goes if it cannot be written: nobody holds it.
    """
    text = json.dumps(Holder.this().facts() | {"token": secrets.token_hex(8)})
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
    except BaseException:
        path.unlink(missing_ok=True)
        raise
    return text


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
    """Return how long ago a file was renewed, by the clock of the file system it lies on.

    Raises OSError where nothing can be written there.
    """
    probe = path.with_name(f"{path.name}.{secrets.token_hex(8)}.part")
    try:
        create_plain(probe).close()
        now = probe.stat().st_mtime
    finally:
        with suppress(OSError):
            probe.unlink(missing_ok=True)
    return _until(path, now)


def age_seen_s(path: Path) -> float:
    """Return ``age_s``, by this machine's clock where nothing can be written."""
    try:
        return age_s(path)
    except OSError:
        return _until(path, time.time())


def _until(path: Path, now: float) -> float:
    try:
        return now - path.lstat().st_mtime
    except FileNotFoundError:
        return float("inf")
