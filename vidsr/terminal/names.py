"""Names of files as people type them, unmangled."""

from __future__ import annotations

from pathlib import Path

from vidsr.video.locator import PIPE, Locator


def typed_name(text: str) -> Path | str:
    """Return a path for what lies in the file system, and any other name as it was typed.

    A path of an address would have lost strokes, and ``./-`` would be standard input.
    """
    if not text or text == PIPE:
        return text
    locator = Locator.of(text)
    if not locator.local:
        return text
    return locator.path.absolute() if locator.text == PIPE else locator.path
