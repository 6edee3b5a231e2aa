"""Whether a source is there at all: asked before anything of PyAV or PyTorch is loaded."""

from __future__ import annotations

import re
from pathlib import Path

from vidsr.errors import InputError, NoInputError
from vidsr.video.image_sequences import is_pattern, numbered_files


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
    numbers = list(numbered_files(path))
    if not numbers:
        raise NoInputError(f"{path}: no file of this sequence exists")
    expected = range(numbers[0], numbers[0] + len(numbers))
    if numbers != list(expected):
        gap = next(n for n in expected if n not in set(numbers))
        raise InputError(f"{path}: number {gap} is missing", hint="renumber without gaps.")
    return numbers[0]


def _hint(path: Path) -> str:
    """Return what people mean by names that are no files, empty where nothing is known."""
    if re.match(r"[a-z]+:/", str(path)):
        return "addresses are not read: download the file first."
    if str(path) == "-":
        return "pipes are not read: name a file."
    if any(mark in path.name for mark in "*?"):
        return "a sequence is named by its numbering, such as frames/%05d.png."
    return ""
