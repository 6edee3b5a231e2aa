"""The user's folder of models: files by name, and an index of what can be fetched into it."""

from __future__ import annotations

import os
import re
from pathlib import Path

from vidsr.errors import ModelError
from vidsr.models.named.index import IndexEntry, read_index

VARIABLE = "VIDSR_MODELS"
"""Environment variable that names the folder."""
INDEX = "models.toml"
SUFFIXES = (".safetensors", ".pth", ".ckpt", ".onnx", ".param")
"""Files that are models, by the ends of their names; weights beside a ``.param`` are not listed."""
METHOD_SUFFIX = ".toml"
"""End of the names of methods without learning; other programs keep other things in such files."""
_METHOD = re.compile(rb"^\s*method\s*=", re.MULTILINE)
_LOOKED_AT_BYTES = 1 << 16


def models_folder() -> Path | None:
    """Return the user's folder of models; None where there is none."""
    named = os.environ.get(VARIABLE)
    return Path(named).expanduser() if named else None


def models_here() -> dict[str, list[Path]]:
    """Return the files in the folder by the name of their model. Raises ModelError."""
    folder = models_folder()
    found: dict[str, list[Path]] = {}
    if folder is None:
        return found
    try:
        for path in sorted(folder.iterdir()):
            if path.is_file() and _is_model(path):
                found.setdefault(path.stem, []).append(path)
    except OSError as error:
        raise ModelError(f"${VARIABLE} = {folder}: cannot be read: {error.strerror}") from error
    return found


def _is_model(path: Path) -> bool:
    """Return True for the file of a model. Raises OSError."""
    suffix = path.suffix.lower()
    if suffix != METHOD_SUFFIX or path.name == INDEX:
        return suffix in SUFFIXES
    try:
        with path.open("rb") as file:
            return _METHOD.search(file.read(_LOOKED_AT_BYTES)) is not None
    except PermissionError:  # what others keep to themselves is no model of this user's
        return False


def index_here() -> dict[str, IndexEntry]:
    """Return the entries of the folder's index by name. Raises ModelError."""
    folder = models_folder()
    return {} if folder is None else read_index(folder / INDEX)


def find_here(name: str) -> Path | None:
    """Return the file of a model of the user's folder; None where it has none of that name.

    A model of the index counts once it was fetched. Raises ModelError where two files have the
    name.
    """
    entry = index_here().get(name)
    if entry is not None and (fetched := place_of(entry)).is_file():
        return fetched
    files = models_here().get(name, [])
    if len(files) > 1:
        names = " and ".join(path.name for path in files)
        raise ModelError(f"model = {name!r}: ${VARIABLE} has {names}", hint="give a path to one")
    return files[0] if files else None


def place_of(entry: IndexEntry) -> Path:
    """Return where a model of the index lies once it was fetched."""
    folder = models_folder()
    assert folder is not None
    return folder / entry.file
