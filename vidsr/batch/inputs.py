"""The inputs of a batch: files, folders, patterns of names and lists, as single files."""

from __future__ import annotations

import glob
import os
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from vidsr.batch.list_files import SIGN, is_list, names_in
from vidsr.batch.media_files import is_media, is_passed_over
from vidsr.errors import InputError, NoInputError
from vidsr.video.locator import Locator


@dataclass(frozen=True)
class Found:
    """One input of a batch.

    Args:
        source: The file.
        below: The folder whose structure the targets repeat.
        named: True for one that was named itself, False for one that a folder holds.
    """

    source: Locator
    below: Path
    named: bool


def names_several(name: Path | str) -> bool:
    """Return True for a folder, a pattern of names, and a list."""
    text = str(name)
    return os.path.isdir(text) or _is_glob(text) or is_list(text)


def find_inputs(names: Iterable[Path | str], leave_out: Path | None = None) -> list[Found]:
    """Return all inputs in order, each once.

    Args:
        names: What was typed: a file, a folder with all that lies in it, a pattern such as
            ``clips/*.mov`` or ``**/*.mkv``, or ``@NAME`` for a list of these.
        leave_out: The folder of the targets, whose files no folder above it gives.

    Raises:
        InputError: A list cannot be read, or a pattern or folder gives nothing.
    """
    inputs: dict[str, Found] = {}
    for name in names:
        for found in _expanded(str(name), leave_out):
            inputs.setdefault(os.path.abspath(found.source.text), found)
    return list(inputs.values())


def _expanded(text: str, leave_out: Path | None) -> Iterator[Found]:
    if not is_list(text):
        yield from _of_name(text, leave_out)
        return
    path = Path(text[len(SIGN) :])
    names = names_in(path)
    if not names:
        raise InputError(f"{path}: no names in this list")
    for name in names:
        if is_list(name):
            raise InputError(f"{path}: names another list, {name}", hint="expected files.")
        yield from _of_name(name, leave_out)


def _of_name(text: str, leave_out: Path | None) -> Iterator[Found]:
    path = Path(text)
    if os.path.isdir(path):  # False for names that are too long
        yield from in_folder(path, leave_out)
    elif _is_glob(text):
        yield from _of_glob(text, leave_out)
    else:
        locator = Locator.of(text)
        yield Found(locator, Path(locator.text).parent, named=True)


def _is_glob(text: str) -> bool:
    return glob.has_magic(text) and "://" not in text and not os.path.lexists(text)


def _of_glob(text: str, leave_out: Path | None) -> Iterator[Found]:
    parts = Path(text).parts
    fixed = next(number for number, part in enumerate(parts) if glob.has_magic(part))
    base, rest = Path(*parts[:fixed]), parts[fixed:]
    named = _at_any_depth(base, rest) if "**" in rest else map(Path, glob.iglob(text))
    files = [path for path in named if path.is_file() and not is_passed_over(path.name)]
    if not files:
        raise NoInputError(f"{text}: no file has a name like this")
    for path in sorted(files, key=natural):
        if not _is_in(path, leave_out):
            yield Found(Locator("file", str(path)), base, named=True)


def _at_any_depth(base: Path, parts: Sequence[str]) -> Iterator[Path]:
    """Yield what a pattern with ``**`` names below a folder, but for what is passed over.

    ``**`` enters no folder behind a link, unlike that of ``glob``: a link that led to a folder
    above it gave each file forty times.
    """
    within = [part if part == "**" else re.sub(r"\*\*+", "*", part) for part in parts]
    if within[-1] == "**":
        within.append("*")
    for path in base.glob("/".join(within)):
        folders = path.relative_to(base).parts[:-1]
        if not any(is_passed_over(name) and name not in parts for name in folders):
            yield path


def in_folder(folder: Path, leave_out: Path | None = None) -> Iterator[Found]:
    """Yield the videos and pictures below a folder; folders behind links are not entered."""
    if leave_out is not None and leave_out.resolve() == folder.resolve():
        leave_out = None
    for path in sorted(_files_below(folder, leave_out), key=natural):
        if path.is_file() and is_media(path):
            yield Found(Locator("file", str(path)), folder, named=False)


def _files_below(folder: Path, leave_out: Path | None) -> Iterator[Path]:
    for here, folders, files in os.walk(folder):
        folders[:] = [
            name
            for name in folders
            if not is_passed_over(name) and not _is_in(Path(here, name), leave_out)
        ]
        yield from (Path(here, name) for name in files if not is_passed_over(name))


def _is_in(path: Path, folder: Path | None) -> bool:
    if folder is None:
        return False
    return Path(os.path.abspath(path)).is_relative_to(os.path.abspath(folder))


def natural(path: Path) -> list[tuple[int, int, str]]:
    """Return a key that sorts numbers in names as numbers: ``e2`` before ``e10``."""
    parts = re.split(r"(\d+)", str(path).casefold())
    return [(0, int(part), "") if part.isdecimal() else (1, 0, part) for part in parts if part]
