"""An object as a file object for FFmpeg: read ahead, and mended where a connection breaks."""

from __future__ import annotations

import contextlib
import os
import threading
from typing import Any

from vidsr.errors import InputError
from vidsr.video.locator import Locator
from vidsr.video.stores.failures import FAULTS, failure_of
from vidsr.video.stores.filesystems import open_filesystem
from vidsr.video.stores.object_store import StorePatience, bounded

# Blocks that are kept, the last used ones: files put sound and pictures megabytes apart, and
# fsspec's read-ahead of one block fetched both again at each turn. See docs/guides/stores.md.
BLOCK_BYTES = 4 << 20
BLOCKS = 8


class ObjectFile:
    """The bytes of an object. Errors wait in ``error``: PyAV drops what is raised in ``read``.

    Args:
        locator: The address of the object.
        patience: The limits of waiting.
        stopped: A flag that ends every wait.

    Raises:
        InputError: There is no such object, or it cannot be reached.
    """

    def __init__(
        self,
        locator: Locator,
        patience: StorePatience | None = None,
        stopped: threading.Event | None = None,
    ) -> None:
        self._locator, self._patience = locator, patience or StorePatience()
        self._stopped = stopped or threading.Event()
        self.error: BaseException | None = None
        self.closed = False
        self._place = 0
        files, self._path = open_filesystem(locator, InputError)
        self._files: Any = files
        self._file: Any = None
        facts: dict[str, Any] = self._tried(lambda: self._files.info(self._path))
        if facts.get("type") != "file":
            raise InputError(f"{locator}: is a folder", hint="name an object in it.")
        self.size = int(facts.get("size") or 0)
        self.version = str(facts.get("ETag") or facts.get("etag") or _changed(facts))

    def read(self, size: int = -1) -> bytes:
        """Return bytes, empty at the end and after an error."""
        if self.error is not None or self.closed or self._place >= self.size:
            return b""
        try:
            wanted = self.size - self._place if size < 0 else min(size, self.size - self._place)
            data: bytes = self._tried(lambda: self._read(wanted))
            if not data:
                raise InputError(f"{self._locator}: ends at byte {self._place} of {self.size}")
        except BaseException as error:  # Ctrl-C too: PyAV would drop what is raised here
            self.error = error
            return b""
        self._place += len(data)
        return data

    def _read(self, size: int) -> bytes:
        if self._file is None:
            self._file = self._files.open(
                self._path,
                "rb",
                block_size=BLOCK_BYTES,
                cache_type="blockcache",
                cache_options={"maxblocks": BLOCKS},
            )
        try:
            self._file.seek(self._place)
            return bytes(self._file.read(size))
        except BaseException:
            self._drop()
            raise

    def _tried(self, call: Any) -> Any:
        """Return what a call returns, after a few tries. Raises InputError."""
        for failures in range(self._patience.tries):
            if failures:
                self._stopped.wait(self._patience.pause_s * 2 ** (failures - 1))
            if self._stopped.is_set():
                raise InputError(f"{self._locator}: reading was stopped")
            try:
                return bounded(call, self._patience.answer_s)
            except FAULTS:
                raise
            except Exception as error:
                cause, failure = error, failure_of(error)
            if failure.lasting:
                break
        raise InputError(f"{self._locator}: {failure.reason}", hint=failure.hint) from cause

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Go to another place; nothing is read before it is asked for."""
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._place, os.SEEK_END: self.size}[whence]
        self._place = max(0, base + offset)
        return self._place

    def tell(self) -> int:
        """Return the place of the next byte."""
        return self._place

    def readable(self) -> bool:
        """Return True."""
        return True

    def seekable(self) -> bool:
        """Return True."""
        return True

    def _drop(self) -> None:
        file, self._file = self._file, None
        if file is not None:
            with contextlib.suppress(Exception):
                file.close()

    def close(self) -> None:
        """Give it up; may be called twice."""
        self.closed = True
        self._drop()


def _changed(facts: dict[str, Any]) -> str:
    names = ("LastModified", "mtime", "last_modified", "modified", "updated", "created")
    return str(next((facts[name] for name in names if facts.get(name) is not None), ""))
