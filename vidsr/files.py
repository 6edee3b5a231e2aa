"""Writing of files that appear only when they are whole."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from vidsr.errors import OutputError


@contextmanager
def written_whole(path: Path) -> Iterator[Path]:
    """Yield a name beside ``path`` to write to, which takes its place in the end.

    Whatever goes wrong, nothing unfinished stays.

    Raises:
        OutputError: The file cannot be written.
    """
    part = path.with_name(path.name + ".part")
    try:
        yield part
        os.replace(part, path)
    except OutputError:
        raise
    except (OSError, RuntimeError) as error:  # torch.save raises RuntimeError on a full disk
        reason = getattr(error, "strerror", None) or str(error).splitlines()[0]
        raise OutputError(f"{path}: cannot be written: {reason}") from error
    finally:
        part.unlink(missing_ok=True)


def check_writable(path: Path, name: str = "") -> None:
    """Raise OutputError where no file can be written at ``path``; ``name`` is for the message."""
    if path.is_dir() or not os.access(path.absolute().parent, os.W_OK):
        raise OutputError(f"{name} {path}: cannot be written there".lstrip())


def check_folder(path: Path) -> None:
    """Raise OutputError where ``path`` is no folder to write to, and cannot become one."""
    there = next(p for p in (path.absolute(), *path.absolute().parents) if p.exists())
    if not there.is_dir():
        raise OutputError(f"{path}: cannot be created: {there} is no folder")
    if not os.access(there, os.W_OK):
        raise OutputError(f"{path}: cannot be written: no permission in {there}")


def write_text(path: Path, text: str) -> None:
    """Write a text file that appears when it is whole. Raises OutputError."""
    with written_whole(path) as part:
        part.write_text(text, encoding="utf-8")
