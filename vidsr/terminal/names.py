"""Names of files as people type them, unmangled."""

from __future__ import annotations

from pathlib import Path

from vidsr.video.locator import PIPE, Locator


def typed_name(text: str) -> Path | str:
    """Return a path for what lies in the file system, and any other name as it was typed.

    A path of an address would have lost strokes, and ``./-`` would be standard input.
    """
    path = Path(text)
    if not text or text == PIPE:
        return text
    if not Locator.of(text).local:
        return text
    return path.absolute() if str(path) == PIPE else path
