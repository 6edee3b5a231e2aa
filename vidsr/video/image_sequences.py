"""Numbered image sequences (``frames/%05d.png``), folders of pictures and single pictures."""

from __future__ import annotations

import re
from pathlib import Path

from vidsr.errors import NoInputError, OptionError

IMAGE_SUFFIXES = (".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp", ".webp")
_NUMBER = re.compile(r"%(\d{0,2})d")


def is_pattern(path: Path) -> bool:
    """Return True if the name holds one ``%d`` or ``%05d`` to be replaced by a number."""
    return path.name.count("%") == 1 and bool(_NUMBER.search(path.name)) and not path.exists()


def is_image(path: Path) -> bool:
    """Return True if the suffix names a still-picture format."""
    return path.suffix.lower() in IMAGE_SUFFIXES


def numbered_files(pattern: Path) -> dict[int, Path]:
    """Return the existing files of a sequence by number, ascending; others are left out.

    Raises OptionError for a name without a number's place, such as an edited record may hold.
    """
    match = _NUMBER.search(pattern.name)
    if match is None:
        raise OptionError(
            f"{pattern}: expected numbered pictures, got a name without a number's place.",
            hint="name a pattern such as frames/%05d.png.",
        )
    if not pattern.parent.is_dir():
        return {}
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


def picture_files(folder: Path) -> list[Path]:
    """Return every picture right in ``folder``, sorted by name with numbers counted as numbers.

    Raises NoInputError where there is no such folder, or none in it.
    """
    if not folder.is_dir():
        raise NoInputError(f"{folder}: no such folder", hint="name a folder of pictures")
    found = sorted((p for p in folder.iterdir() if is_image(p) and p.is_file()), key=_natural)
    if not found:
        raise NoInputError(
            f"{folder}: no pictures in it", hint="expected .png .jpg .tif .bmp or .webp"
        )
    return found


def _natural(path: Path) -> list[tuple[int, int | str]]:
    parts = re.split(r"(\d+)", path.name)
    return [(0, int(p)) if p.isdecimal() else (1, p) for p in parts]
