"""Numbered image sequences (``frames/%05d.png``) and single pictures."""

from __future__ import annotations

import re
from pathlib import Path

IMAGE_SUFFIXES = (".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp", ".webp")
_NUMBER = re.compile(r"%(0?)(\d*)d")


def is_pattern(path: Path) -> bool:
    """Whether the file name holds one ``%d`` or ``%05d`` to be replaced by a number."""
    return path.name.count("%") == 1 and bool(_NUMBER.search(path.name)) and not path.exists()


def is_image(path: Path) -> bool:
    """Whether the suffix names a still-picture format."""
    return path.suffix.lower() in IMAGE_SUFFIXES


def numbered_files(pattern: Path) -> dict[int, Path]:
    """The existing files of a sequence by number, ascending. Other files are left out."""
    if not pattern.parent.is_dir():
        return {}
    match = _NUMBER.search(pattern.name)
    assert match is not None
    digits = r"(\d+)" if match[1] == "" else rf"(\d{{{match[2]},}})"
    before, after = pattern.name[: match.start()], pattern.name[match.end() :]
    shape = re.compile(re.escape(before) + digits + re.escape(after))
    found = {}
    for path in pattern.parent.iterdir():
        hit = shape.fullmatch(path.name)
        # "%d" must not take "007": the number has to print back to the same name.
        if hit and pattern.name % int(hit[1]) == path.name:
            found[int(hit[1])] = path
    return dict(sorted(found.items()))
