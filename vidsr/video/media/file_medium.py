"""A file as a medium: one whose format is stated."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from av.container import InputContainer

from vidsr.video.media.containers import Opening, open_container


class FileMedium:
    """A medium that is a file.

    Args:
        path: The file.
        layout: FFmpeg's name of its format.
        options: Options of the demuxer, such as the size of raw pictures.
    """

    may_seek = True

    def __init__(self, path: Path, layout: str | None, options: Mapping[str, str]) -> None:
        self._path, self._way = path.absolute(), Opening(options, layout)

    @property
    def size(self) -> int:
        """Bytes in all. Raises OSError."""
        return self._path.stat().st_size

    def open(self) -> InputContainer:
        """Open from the beginning. Raises InputError."""
        return open_container(str(self._path), str(self._path), self._way)

    def sample(self) -> InputContainer:
        """Open the file once more. Raises InputError."""
        return self.open()

    def head(self, size: int) -> bytes:
        """Return the first bytes. Raises OSError."""
        with self._path.open("rb") as file:
            return file.read(size)

    def check(self) -> None:
        """Do nothing: PyAV raises what goes wrong."""

    def stop(self) -> None:
        """Do nothing: files do not wait."""

    def close(self) -> None:
        """Do nothing: containers are closed by whoever opened them."""
