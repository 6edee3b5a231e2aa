"""The objects below an address: asked for in bounded time, written whole or not at all."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from itertools import count
from pathlib import Path
from typing import Any, TypeVar

from vidsr.errors import OutputError, VidsrError
from vidsr.video.locator import Locator
from vidsr.video.stores.failures import FAULTS, Failure, failure_of, says_exists
from vidsr.video.stores.filesystems import ATOMIC, open_filesystem

T = TypeVar("T")
MOST_PAUSE_S = 10.0
# What stores call the moment of the last change.
_CHANGED = ("LastModified", "mtime", "last_modified", "modified", "updated", "created")


@dataclass(frozen=True)
class StorePatience:
    """The limits of waiting for a store.

    Args:
        answer_s: Seconds for one answer about a small object, all tries together. Where sixteen
            workers began on two busy cores, their libraries alone took more than a minute.
        transfer_s: Seconds for one file, up or down.
        tries: Tries of one request; of a store that says it is busy, as many as there is time for.
        pause_s: Seconds before the second try, about, since many may have been refused at the same
            moment; each further pause is twice as long, up to ten seconds.
    """

    answer_s: float = 180.0
    transfer_s: float = 3600.0
    tries: int = 4
    pause_s: float = 0.5


@dataclass(frozen=True)
class Entry:
    """An object in a list: its bytes, and when it was changed by the store's clock, in seconds."""

    size: int
    changed_s: float


class ObjectStore:
    """The objects directly below an address. Thread-safe.

    Methods raise FileNotFoundError and FileExistsError as builtins, and everything else that goes
    wrong as ``kind``, in one line with a hint.

    Args:
        locator: The address of the folder.
        patience: The limits of waiting.
        kind: The error to raise.
    """

    def __init__(
        self,
        locator: Locator,
        patience: StorePatience | None = None,
        kind: type[VidsrError] = OutputError,
    ) -> None:
        self.locator, self.patience, self._kind = locator, patience or StorePatience(), kind
        files, root = open_filesystem(locator, kind)
        self._files: Any = files
        self._root = root.rstrip("/")
        self._atomic = locator.scheme in ATOMIC

    def __str__(self) -> str:
        return str(self.locator)

    def path(self, name: str) -> str:
        """Return the path of an object in its file system."""
        return f"{self._root}/{name}" if name else self._root

    def entries(self) -> dict[str, Entry]:
        """Return the objects that lie directly below, by their names; nothing for no folder."""
        try:
            listed = self._ask(lambda: self._files.ls(self._root, detail=True))
        except FileNotFoundError:
            return {}
        begin, found = f"{self._root}/", {}
        for one in listed:
            name = str(one.get("name", ""))
            if one.get("type") == "file" and name.startswith(begin):
                found[name.removeprefix(begin)] = self._entry(name, one)
        return {name: entry for name, entry in found.items() if name and "/" not in name}

    def _entry(self, path: str, listed: dict[str, Any]) -> Entry:
        changed = next((listed[key] for key in _CHANGED if listed.get(key) is not None), None)
        if changed is None:
            with suppress(NotImplementedError):
                changed = self._files.modified(path)
        return Entry(int(listed.get("size") or 0), _seconds(changed))

    def entry(self, name: str) -> Entry:
        """Return one object. Raises FileNotFoundError."""
        path = self.path(name)
        listed = self._ask(lambda: self._files.info(path))
        if listed.get("type") != "file":
            raise FileNotFoundError(path)
        return self._entry(path, listed)

    def has(self, name: str) -> bool:
        """Return True for the name of an object that is there."""
        try:
            self.entry(name)
        except FileNotFoundError:
            return False
        return True

    def read(self, name: str, most_bytes: int) -> bytes:
        """Return an object. Raises FileNotFoundError, ValueError for one that is longer."""
        data = self.read_part(name, 0, most_bytes + 1)
        if len(data) > most_bytes:
            raise ValueError("it is too long")
        return data

    def read_part(self, name: str, begin: int, end: int) -> bytes:
        """Return the bytes from ``begin`` to before ``end``, fewer at the end."""
        path = self.path(name)
        if self.entry(name).size <= begin:
            return b""
        return bytes(self._ask(lambda: self._files.cat_file(path, start=begin, end=end)))

    def create(self, name: str, data: bytes) -> bool:
        """Write an object that is not there yet; return False where it is.

        Of several that create the same, one succeeds: in stores that can (S3's If-None-Match).
        """
        path, tried = self.path(name), 0

        def put() -> bool:
            nonlocal tried
            tried += 1
            try:
                self._files.pipe_file(path, data, mode="create")
            except FAULTS:
                raise
            except Exception as error:
                if not says_exists(error):
                    raise
                return False
            return True

        if self._ask(put):
            return True
        # The answer to a first try may have been lost, and that of the library's own.
        with suppress(FileNotFoundError, ValueError):
            return self.read(name, len(data)) == data
        return False

    def write(self, name: str, data: bytes) -> None:
        """Write an object, in the place of what is there."""
        path = self.path(name)
        self._ask(lambda: self._files.pipe_file(path, data))

    def send(self, file: Path, name: str, *, new: bool = False) -> None:
        """Send a file, which is there whole or not at all.

        Args:
            file: The file.
            name: The name of the object.
            new: True to raise FileExistsError where there is one.
        """
        path = self.path(name)
        if not self._atomic:
            self._send_by_name(file, path, new)
            return
        options = {"mode": "create"} if new else {}
        self._ask(lambda: self._files.put_file(str(file), path, **options), transfer=True)

    def _send_by_name(self, file: Path, path: str, new: bool) -> None:
        """Send to a name of its own, which is changed in the end."""
        part = f"{path}.part"
        if new and self._ask(lambda: self._files.exists(path)):
            raise FileExistsError(path)
        self._ask(lambda: self._files.makedirs(self._files._parent(path), exist_ok=True))
        self._ask(lambda: self._files.put_file(str(file), part), transfer=True)
        self._ask(lambda: self._files.mv(part, path))

    def fetch(self, name: str, file: Path) -> None:
        """Fetch an object into a file. Raises FileNotFoundError."""
        path = self.path(name)
        self._ask(lambda: self._files.get_file(path, str(file)), transfer=True)

    def remove(self, name: str) -> None:
        """Remove an object, whether or not it is there."""
        path = self.path(name)
        with suppress(FileNotFoundError):
            self._ask(lambda: self._files.rm_file(path))

    def remove_all(self, last: str = "") -> None:
        """Remove everything below the address, at any depth, and nothing beside it.

        Args:
            last: The name of the object that goes when all others are gone.
        """
        begin = f"{self._root}/"
        with suppress(FileNotFoundError):
            found = map(str, self._ask(lambda: self._files.find(self._root)))
            names = [path.removeprefix(begin) for path in found if path.startswith(begin)]
            for name in sorted(names, key=lambda name: name == last):
                self.remove(name)

    def _ask(self, call: Callable[[], T], *, transfer: bool = False) -> T:
        """Return the answer to a request, asked again where that may help."""
        failure = Failure("")
        limit_s = self.patience.transfer_s if transfer else self.patience.answer_s
        until = time.monotonic() + limit_s
        for failures in count():
            if failures:
                pause_s = min(MOST_PAUSE_S, self.patience.pause_s * 2 ** (failures - 1))
                time.sleep(pause_s * random.uniform(0.5, 1.5))
            try:
                return bounded(call, until - time.monotonic())
            except FAULTS:
                raise
            except Exception as error:
                cause, failure = error, failure_of(error)
                if says_exists(error):
                    raise FileExistsError(str(self)) from None
                if isinstance(error, FileNotFoundError) and failure.reason == "no such object":
                    raise
            tried_enough = failures + 1 >= self.patience.tries and not failure.busy
            if failure.lasting or tried_enough or time.monotonic() >= until:
                break
        raise self._kind(f"{self}: {failure.reason}", hint=failure.hint) from cause


def bounded(call: Callable[[], T], limit_s: float) -> T:
    """Return what a call returns, or raise TimeoutError and leave it to itself."""
    answers: list[T] = []
    errors: list[BaseException] = []

    def run() -> None:
        try:
            answers.append(call())
        except BaseException as error:
            errors.append(error)

    thread = threading.Thread(target=run, name="vidsr-store", daemon=True)
    thread.start()
    thread.join(max(0.1, limit_s))
    if errors:
        raise errors[0]
    if not answers:
        raise TimeoutError
    return answers[0]


def _seconds(changed: object) -> float:
    """Return a moment as stores write it in seconds since 1970; 0 for what nobody can read."""
    if isinstance(changed, datetime):
        return changed.timestamp()
    if isinstance(changed, int | float):
        return float(changed)
    with suppress(ValueError):
        return datetime.fromisoformat(str(changed)).timestamp()
    return 0.0
