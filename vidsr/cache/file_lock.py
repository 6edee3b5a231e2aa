"""A lock between processes, which ends with the process that holds it."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def locked(path: Path, *, block: bool) -> Iterator[bool]:
    """Hold an exclusive flock on ``path``, made where it is missing. Yields whether it is held.

    With ``block`` it is waited for. Where there are no locks, or the file cannot be made, it yields
    True as well: this keeps work from being done twice and nothing more.
    """
    handle = _acquire(path, block)
    try:
        yield handle is not None
    finally:
        if handle is not None and handle >= 0:
            os.close(handle)  # and with it the lock


def _acquire(path: Path, block: bool) -> int | None:
    """Return a locked file, -1 where there are no locks, None where another holds it."""
    while True:
        try:
            handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        except OSError:
            return -1
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | (0 if block else fcntl.LOCK_NB))
        except BlockingIOError:
            os.close(handle)
            return None
        except OSError:
            return handle
        if _is_at(handle, path):
            return handle
        os.close(handle)


def _is_at(handle: int, path: Path) -> bool:
    """Return True if ``path`` still means the open file: it may be gone after waiting."""
    try:
        return os.path.samestat(os.fstat(handle), path.lstat())
    except FileNotFoundError:
        return False
