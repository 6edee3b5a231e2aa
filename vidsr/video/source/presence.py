"""The check that a source is there at all, made before PyAV or PyTorch is loaded."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

from vidsr.errors import InputError, NoInputError
from vidsr.video.image_sequences import numbered_files
from vidsr.video.locator import Locator

# What opens for ever, or never ends, though it has the name of a file.
_NO_FILES = (
    (stat.S_ISFIFO, "pipe"),
    (stat.S_ISSOCK, "socket"),
    (stat.S_ISCHR, "device"),
    (stat.S_ISBLK, "device"),
)
HINT = "replace it, or leave it out and renumber without gaps."


def check_source(locator: Locator) -> None:
    """Raise InputError or NoInputError where there is no file or numbered sequence of the name."""
    path = locator.path
    try:
        if locator.kind == "sequence":
            first_number(path)
        elif path.is_dir():
            hint = (
                "name a pattern such as frames/%05d.png for its pictures, "
                "or a folder as the target for its videos."
            )
            raise InputError(f"{locator}: is a folder", hint=hint)
        elif not path.exists():
            raise NoInputError(f"{locator}: no such file", hint=_hint(locator))
        else:
            check_regular(path)
            if not path.stat().st_size:
                raise InputError(f"{locator}: is empty", hint="whatever wrote it has not finished.")
    except NoInputError:
        raise
    except OSError as error:
        raise InputError(f"{locator}: cannot be opened: {error.strerror}") from error


def check_regular(path: Path) -> None:
    """Raise InputError for a pipe, a socket or a device; OSError where nothing is there."""
    mode = path.stat().st_mode
    for is_kind, kind in _NO_FILES:
        if is_kind(mode):
            hint = f"{kind}s are not read: name a file."
            raise InputError(f"{path}: expected a file, got a {kind}", hint=hint)


def first_number(path: Path) -> int:
    """Return the number of a sequence's first picture.

    Raises InputError for gaps, NoInputError where there is no picture.
    """
    files = numbered_files(path)
    numbers = list(files)
    if not numbers:
        raise NoInputError(f"{path}: no file of this sequence exists")
    expected = range(numbers[0], numbers[0] + len(numbers))
    if numbers != list(expected):
        gap = next(n for n in expected if n not in set(numbers))
        raise InputError(f"{path}: number {gap} is missing", hint="renumber without gaps.")
    check_files(list(files.values()))
    return numbers[0]


def check_files(files: list[Path]) -> None:
    """Raise InputError, which names it, for the first that cannot hold a picture or be read."""
    for path in files:
        try:
            check_regular(path)
            size = path.stat().st_size
        except OSError as error:
            raise unreadable(path, error.strerror or str(error)) from error
        if path.is_dir():
            raise InputError(f"{path}: expected a picture, got a folder", hint=HINT)
        if not os.access(path, os.R_OK):
            raise unreadable(path, os.strerror(errno.EACCES))
        if not size:
            raise InputError(f"{path}: expected a picture, got an empty file", hint=HINT)


def unreadable(path: Path, reason: str) -> InputError:
    """Return the error for a picture of a sequence that cannot be read."""
    return InputError(f"{path}: cannot be read: {reason}", hint=HINT)


def _hint(locator: Locator) -> str:
    """Return what people mean by names that are no files, empty where nothing is known."""
    if locator.kind in ("address", "object"):
        return "addresses are not read: download the file first."
    if locator.kind == "pipe":
        return "pipes are not read: name a file."
    if any(mark in locator.name for mark in "*?"):
        return "a sequence is named by its numbering, such as frames/%05d.png."
    return ""
