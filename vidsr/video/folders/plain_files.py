"""Files of a job's folder, which others may have put there: none leads out of it or waits."""

from __future__ import annotations

import os
import secrets
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

# Neither a link is followed nor a pipe waited for; Windows has neither flag.
_PLAIN = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)


def open_plain(path: Path) -> BinaryIO:
    """Open a file for reading. Raises OSError, and ValueError for a link, pipe or folder."""
    if path.is_symlink():
        raise ValueError("it is a link")
    descriptor = os.open(path, os.O_RDONLY | _PLAIN)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise ValueError("it is no file")
    return os.fdopen(descriptor, "rb")


def read_plain(path: Path, most_bytes: int) -> str:
    """Return the text of a file. Raises OSError, and ValueError for one that is none or longer."""
    with open_plain(path) as file:
        data = file.read(most_bytes + 1)
    if len(data) > most_bytes:
        raise ValueError("it is too long")
    return data.decode("utf-8")


def is_plain(path: Path) -> bool:
    """Return True for a file that is no link."""
    with suppress(OSError):
        return stat.S_ISREG(path.lstat().st_mode)
    return False


def create_plain(path: Path) -> BinaryIO:
    """Open a new file for writing, in the place of what lies there. Raises OSError."""
    remove_plain(path)
    flags = os.O_CREAT | os.O_EXCL | os.O_WRONLY | getattr(os, "O_BINARY", 0)
    return os.fdopen(os.open(path, flags, 0o666), "wb")


def remove_plain(path: Path) -> None:
    """Remove what lies at ``path`` and nothing that it leads to. Raises OSError."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


@contextmanager
def placed_whole(path: Path) -> Iterator[BinaryIO]:
    """Yield a new file that takes the place of ``path`` once it is whole. Raises OSError."""
    # Processes in containers share their numbers, and two may make one piece.
    working = path.with_name(f"{path.name}.{os.getpid()}.{secrets.token_hex(4)}.part")
    try:
        with create_plain(working) as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(working, path)
        sync_folder(path.parent)
    except BaseException:
        working.unlink(missing_ok=True)
        raise


def sync_folder(folder: Path) -> None:
    """Make the names in a folder last through a power cut, where the system can."""
    with suppress(OSError):  # Windows opens no folders, some network file systems sync none
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
