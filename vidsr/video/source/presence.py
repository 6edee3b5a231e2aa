"""The check that a source is there at all, made before PyAV or PyTorch is loaded."""

from __future__ import annotations

import errno
import os
import re
from pathlib import Path

from vidsr.errors import InputError, NoInputError
from vidsr.video.image_sequences import is_pattern, numbered_files

HINT = "replace it, or leave it out and renumber without gaps."


def check_source(path: Path) -> None:
    """Raise InputError or NoInputError where no file or numbered sequence lies at ``path``."""
    try:
        if is_pattern(path):
            first_number(path)
        elif path.is_dir():
            hint = "name a pattern such as frames/%05d.png."
            raise InputError(f"{path}: is a folder", hint=hint)
        elif not path.exists():
            raise NoInputError(f"{path}: no such file", hint=_hint(path))
    except NoInputError:
        raise
    except OSError as error:
        raise InputError(f"{path}: cannot be opened: {error.strerror}") from error


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


def _hint(path: Path) -> str:
    """Return what people mean by names that are no files, empty where nothing is known."""
    if re.match(r"[a-z]+:/", str(path)):
        return "addresses are not read: download the file first."
    if str(path) == "-":
        return "pipes are not read: name a file."
    if any(mark in path.name for mark in "*?"):
        return "a sequence is named by its numbering, such as frames/%05d.png."
    return ""
