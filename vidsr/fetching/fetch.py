"""One file fetched from a server: resumed where it broke, checked, and there only when whole."""

from __future__ import annotations

import fcntl
import hashlib
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import BufferedRandom
from pathlib import Path

from vidsr.errors import InputError, ModelError
from vidsr.files import working_name
from vidsr.models.named.folder import find_here, index_here, place_of
from vidsr.models.named.index import IndexEntry
from vidsr.models.shipped import available, is_name
from vidsr.option_values import ModelName
from vidsr.video.addresses.connection import Patience
from vidsr.video.addresses.http_connection import HttpConnector
from vidsr.video.addresses.remote_file import RemoteFile
from vidsr.video.locator import Locator

LARGEST = 8 << 30  # bytes; the largest networks for pictures have less than one
PATIENCE = Patience()
_PART = 1 << 18  # bytes read at once

Say = Callable[[str], None]


def fetch_named(model: ModelName, say: Say, patience: Patience = PATIENCE) -> Path | None:
    """Fetch the model if the user's index names it and it is not there yet.

    Returns:
        The file; None for a model that the index does not name, or that ships with vidsr.

    Raises:
        ModelError: It cannot be fetched, or is not what the index says.
    """
    if not isinstance(model, str) or not is_name(model) or model in available():
        return None
    entry = index_here().get(model)
    if entry is None:
        return None
    return find_here(model) or fetch(entry, place_of(entry), say, patience)


def fetch(entry: IndexEntry, place: Path, say: Say, patience: Patience = PATIENCE) -> Path:
    """Fetch one entry of an index to ``place``, and return that. Raises ModelError."""
    part = working_name(place)
    try:
        with _alone(part) as file:
            if not place.is_file():  # another process may just have fetched it
                _complete(entry, file, say, patience)
                _check(entry, file, part)
                os.replace(part, place)
            else:
                part.unlink(missing_ok=True)
    except OSError as error:
        reason = error.strerror or str(error)
        raise ModelError(f"{place}: {entry.name} cannot be kept there: {reason}") from error
    return place


@contextmanager
def _alone(part: Path) -> Iterator[BufferedRandom]:
    """Open what is there of a file, for this process alone; others wait."""
    with part.open("a+b") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        try:
            yield file
        except BaseException:
            if part.exists() and part.stat().st_size == 0:  # nothing came that could be resumed
                part.unlink(missing_ok=True)
            raise


def _complete(entry: IndexEntry, file: BufferedRandom, say: Say, patience: Patience) -> None:
    """Append what is missing. Raises ModelError; what came until then stays for the next time."""
    locator, begin = Locator.of(entry.address), file.seek(0, os.SEEK_END)
    if begin and _digest(file) == entry.sha256:
        return
    try:
        remote = RemoteFile(
            HttpConnector(entry.address, patience), locator, patience, threading.Event()
        )
    except InputError as error:
        raise ModelError(error.message, hint=error.hint) from error
    try:
        begin = _resumed(file, remote, begin)
        say(f"fetching {entry.name} from {locator}" + (f", from byte {begin} on" if begin else ""))
        _copy(entry, file, remote, begin)
    finally:
        remote.close()
    file.flush()
    os.fsync(file.fileno())
    if remote.error is not None:
        if not isinstance(remote.error, InputError):
            raise remote.error
        hint = "the same command goes on from there"
        raise ModelError(remote.error.message, hint=hint) from remote.error


def _resumed(file: BufferedRandom, remote: RemoteFile, begin: int) -> int:
    """Return the byte to go on from: 0 where the server cannot, or has a shorter file."""
    whole = remote.size
    if begin and (not remote.ranged or (whole is not None and begin >= whole)):
        begin = 0
    if begin == 0:
        file.truncate(0)
    return begin


def _copy(entry: IndexEntry, file: BufferedRandom, remote: RemoteFile, begin: int) -> None:
    if remote.size is not None and remote.size > LARGEST:
        raise _too_large(entry, remote.size)
    if begin:
        remote.seek(begin)
    done = begin
    while data := remote.read(_PART):
        done += len(data)
        if done > LARGEST:
            raise _too_large(entry, "more")
        file.write(data)


def _too_large(entry: IndexEntry, size: int | str) -> ModelError:
    address = Locator.of(entry.address)
    return ModelError(
        f"{entry.name} from {address}: expected at most {LARGEST} bytes of weights, got {size}"
    )


def _digest(file: BufferedRandom) -> str:
    file.flush()
    file.seek(0)
    return hashlib.file_digest(file, "sha256").hexdigest()


def _check(entry: IndexEntry, file: BufferedRandom, part: Path) -> None:
    """Raise ModelError, and forget what was fetched, where it is not what the index says."""
    found = _digest(file)
    if found != entry.sha256:
        part.unlink(missing_ok=True)
        raise ModelError(
            f"{entry.name} from {Locator.of(entry.address)} has sha256 {found}, "
            f"expected {entry.sha256}",
            hint="the file has changed since the index was written, or is another one",
        )
