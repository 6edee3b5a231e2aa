"""Names of pipes and of the process's own streams, and the descriptors that they stand for."""

from __future__ import annotations

import os
import re
import stat
from pathlib import Path

from vidsr.video.locator import Locator

STDIN, STDOUT = 0, 1
# Systems differ in what opening one of these gives: a copy of the descriptor, or the file anew.
_STREAMS = {"/dev/stdin": STDIN, "/dev/stdout": STDOUT, "/dev/stderr": 2}
_NUMBERED = re.compile(r"/(?:dev|proc/self)/fd/(\d+)\Z")


def descriptor_named(locator: Locator, standard: int) -> int | None:
    """Return the number of the process's own stream that a name stands for, None for other names.

    Args:
        locator: A name; ``-`` stands for ``standard``.
        standard: ``STDIN`` for sources, ``STDOUT`` for targets.
    """
    if locator.kind == "pipe":
        return standard
    if locator.kind != "file":
        return None
    if locator.text in _STREAMS:
        return _STREAMS[locator.text]
    match = _NUMBERED.match(locator.text)
    return int(match[1]) if match else None


def is_fifo(path: Path) -> bool:
    """Return True for a pipe that has a name in the file system."""
    try:
        return stat.S_ISFIFO(path.stat().st_mode)
    except OSError:
        return False


def is_stream(locator: Locator, standard: int) -> bool:
    """Return True for a name that is read or written once, from front to back."""
    if descriptor_named(locator, standard) is not None:
        return True
    return locator.kind == "file" and is_fifo(locator.path)


def is_regular(descriptor: int) -> bool:
    """Return True where a stream has been redirected to or from a file. Raises OSError."""
    return stat.S_ISREG(os.fstat(descriptor).st_mode)


def words_for(locator: Locator, standard: int) -> str:
    """Return the name of a stream for messages."""
    if locator.kind != "pipe":
        return str(locator)
    return "standard input" if standard == STDIN else "standard output"
