"""Built engines, what they are built from, and findings, kept in the user's cache folder.

An engine file is executable code.
"""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vidsr.cache.entry_file import TEMPORARY, Refused, foreign, read, read_key, touch, write
from vidsr.cache.file_lock import locked
from vidsr.cache.keys import EngineKey, FindingKey, Key, NetworkKey, TimingKey, differences
from vidsr.errors import OptionError, OutputError

SUFFIXES = (EngineKey.suffix, TimingKey.suffix, NetworkKey.suffix, FindingKey.suffix)
LOCK = ".lock"
ABANDONED_S = 3600.0  # temporary files live for the seconds that a write takes
OTHER_KEY = "it was made for something else"
HINT = "set VIDSR_CACHE to a folder of your own"


@dataclass(frozen=True)
class Found:
    """Result of a search: what was looked for, or in one line why it cannot be had."""

    payload: bytes | None
    reason: str = ""


@dataclass(frozen=True)
class Entry:
    """A file of the cache. ``key`` is None, and ``reason`` says why, where it cannot be used."""

    path: Path
    size_bytes: int
    used_seconds: float
    key: dict[str, Any] | None
    reason: str = ""


def default_folder() -> Path:
    """Return ``$VIDSR_CACHE``, else ``vidsr/engines`` in ``$XDG_CACHE_HOME`` or ``~/.cache``.

    As the XDG Base Directory Specification asks, an XDG_CACHE_HOME that is not absolute is ignored.
    Raises OptionError where there is no home.
    """
    if own := os.environ.get("VIDSR_CACHE"):
        return Path(own).absolute()
    caches = Path(os.environ.get("XDG_CACHE_HOME", ""))
    try:
        caches = caches if caches.is_absolute() else Path.home() / ".cache"
    except RuntimeError as error:
        raise OptionError("no folder for engines: the user has no home", hint=HINT) from error
    return caches / "vidsr" / "engines"


class EngineCache:
    """A folder of engines, timing caches, networks and findings, made with mode 0700.

    Several processes may use it at once. What it gives out has passed every check: magic, schema,
    length, checksum, key, owner, permissions.
    """

    def __init__(self, folder: Path | None = None) -> None:
        """Raise OptionError for a folder that others own or may write to, or that is none."""
        self.folder = default_folder() if folder is None else folder
        try:
            self.folder.parent.mkdir(parents=True, exist_ok=True)
            self.folder.mkdir(mode=0o700, exist_ok=True)
            found = self.folder.stat()
        except OSError as error:
            reason = f"cannot be made: {error.strerror}"
            raise OptionError(f"cache folder {self.folder} {reason}", hint=HINT) from error
        if reason := foreign(found):
            raise OptionError(
                f"cache folder {self.folder} is {reason}, and engines are executable code",
                hint=f"chmod go-w it if it is yours, or {HINT}",
            )

    def path(self, key: Key) -> Path:
        """Return where the entry of ``key`` is, or would be."""
        return self.folder / (key.digest + key.suffix)

    def store(self, key: Key, payload: bytes) -> None:
        """Replace the entry of ``key``, whole or not at all. Raises OutputError."""
        write(self.path(key), key.canonical, payload)

    def load(self, key: Key) -> Found:
        """Return the payload that was stored for an equal key, or the reason why there is none."""
        path = self.path(key)
        try:
            stored, payload = read(path)
            if stored != key.canonical:
                raise Refused(OTHER_KEY)
        except FileNotFoundError:
            return Found(None, self._why_missing(key))
        except Refused as error:
            return Found(None, f"{path} is not used: {error}")
        touch(path)
        return Found(payload)

    def _why_missing(self, key: Key) -> str:
        """Name what changed since an engine for the same network was built."""
        if not isinstance(key, EngineKey):
            return "there is none yet"
        wanted = json.loads(key.canonical)
        kin = [
            differences(entry.key, wanted)
            for entry in self.entries()
            if entry.key and entry.key.get("onnx_sha256") == key.onnx_sha256
        ]
        if not kin:
            return "none is built yet"
        closest = min(kin, key=len)
        return f"none fits: {', '.join(closest)}"

    def discard(self, key: Key) -> None:
        """Remove the entry of ``key``, if there is one."""
        with suppress(OSError):
            self.path(key).unlink()

    def entries(self) -> tuple[Entry, ...]:
        """Return what is there, the last used first; payloads are neither read nor checked."""
        found = (self._entry(path, read_key) for path in self._files(SUFFIXES))
        return tuple(sorted(found, key=lambda entry: entry.used_seconds, reverse=True))

    def verify(self) -> tuple[Entry, ...]:
        """Return what ``entries`` does, every file read and checked from end to end."""
        return tuple(
            self._entry(entry.path, lambda path: read(path)[0]) for entry in self.entries()
        )

    def _entry(self, path: Path, read_from: Callable[[Path], bytes]) -> Entry:
        size, used = 0, 0.0
        try:
            status = path.lstat()
            size, used = status.st_size, status.st_mtime
            stored = read_from(path)
            if hashlib.sha256(stored).hexdigest() != path.stem:
                raise Refused(OTHER_KEY)
            return Entry(path, size, used, json.loads(stored))
        except FileNotFoundError:
            return Entry(path, size, used, None, "it is gone")
        except (Refused, ValueError) as error:
            return Entry(path, size, used, None, str(error))

    def clean(self, *, unused_for_seconds: float = 0.0) -> tuple[Entry, ...]:
        """Remove entries whose last use is longer ago, and what killed processes left behind.

        With 0, all entries. Returns the entries that were removed. Raises OutputError.
        """
        before = time.time() - unused_for_seconds
        old = tuple(e for e in self.entries() if not unused_for_seconds or e.used_seconds < before)
        for path in (*(entry.path for entry in old), *self._left_behind()):
            try:
                path.unlink(missing_ok=True)
            except OSError as error:
                raise OutputError(f"{path}: cannot be removed: {error.strerror}") from error
        for path in self._files((LOCK,)):
            with locked(path, block=False) as held:
                if held:
                    path.unlink(missing_ok=True)
        return old

    def _left_behind(self) -> Iterator[Path]:
        for path in self._files((TEMPORARY,)):
            with suppress(FileNotFoundError):  # finished meanwhile
                if path.lstat().st_mtime < time.time() - ABANDONED_S:
                    yield path

    def _files(self, suffixes: tuple[str, ...]) -> list[Path]:
        return [path for path in sorted(self.folder.iterdir()) if path.name.endswith(suffixes)]

    @contextmanager
    def lock(self, key: Key, say: Callable[[str], None] = lambda _: None) -> Iterator[None]:
        """Hold a lock of ``key``, one process (or thread) at a time; ended with the process.

        Where another holds it, it is waited for, with a note. A file system without locks lets all
        pass: the work is then done twice, and entries still appear whole.
        """
        path = self.folder / (key.digest + LOCK)
        with locked(path, block=False) as held:
            if held:
                yield
                return
        say("waiting for another process, which is making the same")
        with locked(path, block=True):
            yield
