"""Pipes as a medium: opened from front to back, with a second look at their beginning."""

from __future__ import annotations

from collections.abc import Mapping

from av.container import InputContainer

from vidsr.errors import InputError
from vidsr.video.media.containers import (
    NAMING_OTHERS,
    Opening,
    checked,
    looks_like_playlist,
    open_container,
)
from vidsr.video.media.front_to_back import check_front_to_back
from vidsr.video.media.pipe_reader import PipeReader, PipeView
from vidsr.video.probing.longer_look import LOOKS, look_longer

LONGEST_LOOK = LOOKS[:1]  # 64 MiB, which are kept meanwhile
SNIFFED_BYTES = 4096  # a live source fills more of it late
HINT = "a pipe has to hold what FFmpeg reads from front to back; `input_format` names raw video."


class PipeMedium:
    """A medium that is read once.

    Args:
        reader: The pipe.
        layout: FFmpeg's name of the format, None to find out.
        options: Options of the demuxer, such as the size of raw pictures.
    """

    may_seek = False

    def __init__(
        self, reader: PipeReader, layout: str | None = None, options: Mapping[str, str] = {}
    ) -> None:
        self._reader, self._layout, self._options = reader, layout, dict(options)

    @property
    def size(self) -> int:
        """Bytes that have been read so far."""
        return self._reader.position

    def open(self) -> InputContainer:
        """Open from the beginning, as long as all of it is kept. Raises InputError."""
        self._sniff()
        container = look_longer(self._open({}), self._open, LONGEST_LOOK)
        self._reader.settle()
        return container

    def _sniff(self) -> None:
        """Raise InputError for what no demuxer could read, or may not."""
        reader = self._reader
        while len(reader.kept) < SNIFFED_BYTES and reader.more(SNIFFED_BYTES - len(reader.kept)):
            pass
        self.check()
        head = self.head(SNIFFED_BYTES)
        if not head:
            raise InputError(f"{self._reader.name}: is empty")
        if self._layout is None:
            if looks_like_playlist(head):
                raise InputError(
                    f"{self._reader.name}: is a playlist, which names other files or addresses",
                    hint="name the playlist itself.",
                )
            check_front_to_back(head, self._reader.name)

    def _open(self, options: dict[str, str]) -> InputContainer:
        return self._opened(PipeView(self._reader, ahead=True), options)

    def _opened(self, view: PipeView, options: Mapping[str, str]) -> InputContainer:
        assert self._layout not in NAMING_OTHERS
        way = Opening({**self._options, **options}, self._layout, hint=HINT)
        try:
            container = open_container(self._reader.name, view, way)
        except InputError:
            self.check()
            raise
        return checked(container, self.check)

    def sample(self) -> InputContainer:
        """Open what is kept of the beginning. Raises InputError."""
        return self._opened(PipeView(self._reader, ahead=False), {})

    def head(self, size: int) -> bytes:
        """Return the first bytes, as far as they have been read and kept."""
        return bytes(self._reader.kept[:size])

    def check(self) -> None:
        """Raise what went wrong with reading."""
        if self._reader.error is not None:
            raise self._reader.error

    def stop(self) -> None:
        """End a read that waits."""
        self._reader.stop()

    def close(self) -> None:
        """Close the pipe."""
        self._reader.close()
