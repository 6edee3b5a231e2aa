"""Writing of files that appear only when they are whole."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from vidsr.errors import OutputError

PART = ".part"
LONGEST_NAME = 255  # bytes, on nearly every file system
_DIGEST = 16  # hexadecimal digits that tell two names with one beginning apart


def working_name(path: Path, ending: str = PART) -> Path:
    """Return the name beside ``path`` for what is unfinished: ``NAME.part``, or another ending.

    A name that would grow too long for its file system is cut, and ends in a digest of the whole.
    """
    name, longest = path.name + ending, _longest_name(path.parent)
    if len(os.fsencode(name)) > longest:
        whole = os.fsencode(path.name)
        digest = f"-{hashlib.sha256(whole).hexdigest()[:_DIGEST]}{ending}"
        name = whole[: longest - len(digest)].decode("utf-8", "ignore") + digest
    return path.with_name(name)


def _longest_name(folder: Path) -> int:
    """Return the bytes that the folder's file system allows in a name."""
    try:
        return os.pathconf(folder, "PC_NAME_MAX")
    except (AttributeError, OSError, ValueError):  # Windows, no such folder
        return LONGEST_NAME


def behind_links(path: Path) -> Path:
    """Return what a link leads to, whether or not it is there; ``path`` where it is no link.

    Raises OSError for a loop of links.
    """
    if not path.is_symlink():
        return path
    with suppress(FileNotFoundError):
        path.stat()
    return Path(os.path.realpath(path))


@contextmanager
def written_whole(path: Path) -> Iterator[Path]:
    """Yield a name to write to, which takes the place of ``path`` in the end.

    Whatever goes wrong, nothing unfinished stays. A link stays one: the file behind it is written.

    Raises:
        OutputError: The file cannot be written.
    """
    part: Path | None = None
    try:
        place = behind_links(path)
        part = working_name(place)
        yield part
        os.replace(part, place)
    except OutputError:
        raise
    except (OSError, RuntimeError) as error:  # torch.save raises RuntimeError on a full disk
        reason = getattr(error, "strerror", None) or str(error).splitlines()[0]
        raise OutputError(f"{path}: cannot be written: {reason}") from error
    finally:
        if part is not None:
            part.unlink(missing_ok=True)


def check_writable(path: Path, name: str = "") -> None:
    """Raise OutputError where no file can be written at ``path``; ``name`` is for the message."""
    if path.is_dir() or not os.access(path.absolute().parent, os.W_OK):
        raise OutputError(f"{name} {path}: cannot be written there".lstrip())


def check_folder(path: Path) -> None:
    """Raise OutputError where ``path`` is no folder to write to, and cannot become one."""
    there = next(p for p in (path.absolute(), *path.absolute().parents) if p.exists())
    if not there.is_dir():
        raise OutputError(f"{path}: cannot be created: {there} is no folder")
    if not os.access(there, os.W_OK):
        raise OutputError(f"{path}: cannot be written: no permission in {there}")


def write_text(path: Path, text: str) -> None:
    """Write a text file that appears when it is whole. Raises OutputError."""
    with written_whole(path) as part:
        part.write_text(text, encoding="utf-8")
