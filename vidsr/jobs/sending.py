"""Targets of shared jobs in an object store: sent once, and known again after a run was struck."""

from __future__ import annotations

import hashlib
import uuid
from pathlib import Path, PurePosixPath

from vidsr.errors import OutputError
from vidsr.video.locator import Locator
from vidsr.video.stores.object_store import ObjectStore

CHUNK_BYTES = 8 << 20


def check_free(place: Locator, *, overwrite: bool) -> None:
    """Raise OutputError where a target in a store exists already."""
    store, name = _store_of(place)
    if name in store.entries() and not overwrite:
        raise OutputError(f"{place}: exists already", hint="`overwrite` replaces it.")


def digest_of(file: Path) -> str:
    """Return the digest of a file. Raises OSError."""
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def holds(place: Locator, size_bytes: int, digest: str) -> bool:
    """Return True where a store holds these very bytes; they are read only if the size is right."""
    store, name = _store_of(place)
    entry = store.entries().get(name)
    if entry is None or entry.size != size_bytes:
        return False
    found = hashlib.sha256()
    for begin in range(0, size_bytes, CHUNK_BYTES):
        found.update(store.read_part(name, begin, min(begin + CHUNK_BYTES, size_bytes)))
    return found.hexdigest() == digest


def send_target(file: Path, place: Locator, digest: str, *, overwrite: bool) -> None:
    """Send a finished target to a store, where it appears whole.

    Raises:
        OutputError: It cannot be sent; or another has appeared there, and it has another name.
    """
    store, name = _store_of(place)
    if overwrite:
        store.send(file, name)
        return
    try:
        store.send(file, name, new=True)
    except FileExistsError:
        if holds(place, file.stat().st_size, digest):  # sent; the answer had been lost
            return
        stem, suffix = PurePosixPath(name).stem, PurePosixPath(name).suffix
        spare = f"{stem}-{uuid.uuid4().hex[:8]}{suffix}"
        store.send(file, spare)
        raise OutputError(f"{place}: has appeared meanwhile; result is {spare} beside it") from None


def _store_of(place: Locator) -> tuple[ObjectStore, str]:
    begin, _, name = place.text.rpartition("/")
    return ObjectStore(Locator.of(f"{begin}/")), name
