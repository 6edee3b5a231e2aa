"""Numbered image sequences (``frames/%05d.png``) and single pictures."""

from __future__ import annotations

import re
from pathlib import Path

IMAGE_SUFFIXES = (".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp", ".webp")
_NUMBER = re.compile(r"%(\d{0,2})d")


def is_pattern(path: Path) -> bool:
    """Return True if the name holds one ``%d`` or ``%05d`` to be replaced by a number."""
    return path.name.count("%") == 1 and bool(_NUMBER.search(path.name)) and not path.exists()


def is_image(path: Path) -> bool:
    """Return True if the suffix names a still-picture format."""
    return path.suffix.lower() in IMAGE_SUFFIXES


def numbered_files(pattern: Path) -> dict[int, Path]:
    """Return the existing files of a sequence by number, ascending; others are left out."""
    if not pattern.parent.is_dir():
        return {}
    match = _NUMBER.search(pattern.name)
    assert match is not None
    width = int(match[1] or 0)
    before, after = pattern.name[: match.start()], pattern.name[match.end() :]
    shape = re.compile(re.escape(before) + r"(\d+)" + re.escape(after))
    found = {}
    for path in pattern.parent.iterdir():
        hit = shape.fullmatch(path.name)
        # "%d" must not take "007": the number has to print back as FFmpeg prints it.
        if hit and f"{int(hit[1]):0{width}d}" == hit[1]:
            found[int(hit[1])] = path
    return dict(sorted(found.items()))
