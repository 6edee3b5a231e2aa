"""Lists of inputs: files of names, one a line."""

from __future__ import annotations

import codecs
import os
from pathlib import Path

from vidsr.errors import InputError, NoInputError

SIGN = "@"
OPTIONS_SUFFIX = ".toml"


def is_list(text: str) -> bool:
    """Return True for ``@NAME`` of a list, unless there is a file of just this name."""
    return _is_sign(text) and not text.lower().endswith(OPTIONS_SUFFIX)


def is_option_file(text: str) -> bool:
    """Return True for ``@NAME.toml``, unless there is a file of just this name."""
    return _is_sign(text) and text.lower().endswith(OPTIONS_SUFFIX)


def _is_sign(text: str) -> bool:
    return len(text) > 1 and text.startswith(SIGN) and not os.path.lexists(text)


def names_in(path: Path) -> list[str]:
    """Return the names of a list, as they stand there.

    Empty lines, and those that begin with ``#``, are left out. Where there are NUL characters, as
    ``find -print0`` writes them, they end the names, and nothing is left out.

    Raises:
        InputError: The list cannot be read.
    """
    try:
        content = path.read_bytes().removeprefix(codecs.BOM_UTF8)
    except FileNotFoundError as error:
        raise NoInputError(f"{path}: no such list", hint="write ./@NAME for a file.") from error
    except OSError as error:
        raise InputError(f"{path}: the list cannot be read: {error.strerror}") from error
    if b"\0" in content:
        return [os.fsdecode(name) for name in content.split(b"\0") if name]
    lines = [os.fsdecode(line.removesuffix(b"\r")) for line in content.split(b"\n")]
    return [line for line in lines if line.strip() and not line.lstrip().startswith("#")]
