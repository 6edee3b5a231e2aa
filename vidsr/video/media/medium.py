"""The protocol of media: what can be opened for demuxing beside a file with a name of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from av.container import InputContainer


class Medium(Protocol):
    """Bytes of one source, opened from their beginning as often as can be.

    Errors of reading do not come out of FFmpeg, which takes many of them for the end: ``check``
    raises them, and is called after each packet.
    """

    @property
    def may_seek(self) -> bool:
        """True where reading may begin at any place, and again."""
        ...

    @property
    def size(self) -> int | None:
        """Bytes in all, or that have been read so far; None where neither is known."""
        ...

    def open(self) -> InputContainer:
        """Open from the beginning. Raises InputError."""
        ...

    def sample(self) -> InputContainer:
        """Open what lies at the beginning once more, beside what is being read.

        Raises InputError.
        """
        ...

    def head(self, size: int) -> bytes:
        """Return up to ``size`` of the first bytes, as far as they are kept or can be had."""
        ...

    def check(self) -> None:
        """Raise what went wrong with reading: InputError, or what struck meanwhile."""
        ...

    def stop(self) -> None:
        """End a read that waits, from any thread."""
        ...

    def close(self) -> None:
        """Give up what is open; may be called twice."""
        ...
