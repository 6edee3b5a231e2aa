"""An object of a store as a medium: opened as often as can be, at any place."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field

from av.container import InputContainer

from vidsr.errors import InputError
from vidsr.video.locator import Locator
from vidsr.video.media.containers import (
    Opening,
    checked,
    is_playlist,
    looks_like_playlist,
    open_container,
)
from vidsr.video.probing.longer_look import look_longer
from vidsr.video.stores.object_file import ObjectFile
from vidsr.video.stores.object_store import StorePatience

_SNIFFED_BYTES = 4096


@dataclass
class ObjectMedium:
    """A medium that is an object.

    Args:
        locator: Its address.
        layout: FFmpeg's name of the format, None to find out.
        options: Options of the demuxer.
        patience: The limits of waiting.
    """

    locator: Locator
    layout: str | None = None
    options: dict[str, str] = field(default_factory=dict)
    patience: StorePatience = field(default_factory=StorePatience)
    may_seek = True

    def __post_init__(self) -> None:
        self._stopped = threading.Event()
        self._files: list[ObjectFile] = []
        self._size: int | None = None

    @property
    def size(self) -> int | None:
        """Bytes in all, None before it is opened."""
        return self._size

    def open(self) -> InputContainer:
        """Open from the beginning. Raises InputError."""
        return look_longer(self._open({}), self._open)

    def sample(self) -> InputContainer:
        """Open it once more. Raises InputError."""
        return self._open({})

    def _open(self, options: dict[str, str]) -> InputContainer:
        file = self._new()
        if not file.size:
            raise InputError(f"{self.locator}: is empty")
        if looks_like_playlist(file.read(_SNIFFED_BYTES)):
            raise is_playlist(str(self.locator))
        file.seek(0)
        way = Opening({**self.options, **options}, self.layout)
        try:
            container = open_container(str(self.locator), file, way)
        except BaseException:
            self.check()
            raise
        return checked(container, self.check)

    def _new(self) -> ObjectFile:
        file = ObjectFile(self.locator, self.patience, self._stopped)
        if self._size not in (None, file.size):
            raise InputError(f"{self.locator}: has changed while it was read")
        self._size = file.size
        self._files.append(file)
        return file

    def head(self, size: int) -> bytes:
        """Return the first bytes, read once more."""
        file, data = self._new(), b""
        while len(data) < size and (part := file.read(size - len(data))):
            data += part
        file.close()
        return data

    def check(self) -> None:
        """Raise what went wrong with reading, the first of it."""
        for file in self._files:
            if file.error is not None:
                raise file.error

    def stop(self) -> None:
        """End a read that waits."""
        self._stopped.set()

    def close(self) -> None:
        """Give up what is open; may be called twice."""
        for file in self._files:
            file.close()
