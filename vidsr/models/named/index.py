"""The user's own index of models: a TOML table for each, with an address and a checksum.

[anime-x4]
address = "https://example.org/weights/anime-x4.pth"
sha256 = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from vidsr.errors import ModelError

KEYS = ("address", "sha256", "file")
SCHEMES = ("http", "https")
LONGEST = 1 << 20  # bytes of an index
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,99}")
_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class IndexEntry:
    """A model that can be fetched.

    Attributes:
        name: Its name, as ``model`` takes it.
        address: Where it lies: ``http://`` or ``https://``.
        sha256: Checksum of the file, 64 hexadecimal digits.
        file: Name of the file in the user's folder.
    """

    name: str
    address: str
    sha256: str
    file: str


def read_index(path: Path) -> dict[str, IndexEntry]:
    """Return the entries of an index by name, none where the file is absent. Raises ModelError."""
    try:
        if not path.is_file():
            return {}
        if path.stat().st_size > LONGEST:
            raise ModelError(f"{path}: expected at most {LONGEST} bytes")
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise ModelError(f"{path}: cannot be read: {str(error).splitlines()[0]}") from error
    return {name: _entry(path, name, table) for name, table in tables.items()}


def _entry(path: Path, name: str, table: Any) -> IndexEntry:
    where = f"{path}: [{name}]"
    if not _NAME.fullmatch(name) or Path(name).suffix:
        raise ModelError(f"{where}: expected a name of letters, digits, - and _")
    if not isinstance(table, dict) or not all(isinstance(v, str) for v in table.values()):
        raise ModelError(f"{where}: expected address and sha256 as text")
    unknown = set(table) - set(KEYS)
    if unknown:
        raise ModelError(f"{where}: {min(unknown)}: expected one of {', '.join(KEYS)}")
    address, digest = table.get("address", ""), table.get("sha256", "").lower()
    if urlsplit(address).scheme not in SCHEMES:
        raise ModelError(f"{where}: address = {address!r}: expected http:// or https://")
    if not _SHA256.fullmatch(digest):
        raise ModelError(f"{where}: sha256 = {digest!r}: expected 64 hexadecimal digits")
    file = table.get("file") or unquote(urlsplit(address).path.rpartition("/")[2])
    if not _NAME.fullmatch(file) or not Path(file).suffix:
        raise ModelError(f"{where}: file = {file!r}: expected a name such as {name}.pth")
    return IndexEntry(name, address, digest, file)
