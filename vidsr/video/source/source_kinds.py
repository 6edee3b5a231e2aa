"""The kinds of sources there are, in the order in which they are asked.

What opens them is imported when something is opened, so that a name can be refused before PyAV is
loaded.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from vidsr.errors import InputError, NoInputError
from vidsr.video.locator import Locator
from vidsr.video.source.base import SourceOpener, SourceRequest
from vidsr.video.source.presence import check_source

if TYPE_CHECKING:
    from vidsr.notes import Notes
    from vidsr.video.source.base import FrameSource


class FileSourceOpener:
    """Files and numbered pictures. Takes every name: what is no file is refused with a hint."""

    def matches(self, locator: Locator) -> bool:
        """Return True."""
        return True

    def check(self, locator: Locator) -> None:
        """Raise InputError where there is no such file, or the name is none of a file."""
        if not locator.local:
            raise unread(locator)
        check_source(locator)

    def open(self, locator: Locator, request: SourceRequest, notes: Notes) -> FrameSource:
        """Open the file up to its first frame. Raises InputError, OptionError."""
        from vidsr.video.source.file_source import FileSource

        return FileSource(
            locator,
            start_s=request.start_s,
            duration_s=request.duration_s,
            deinterlace=request.deinterlace,
            framerate=request.framerate,
            upright=request.upright,
            hwaccel=request.hwaccel,
            notes=notes,
        )


def unread(locator: Locator) -> InputError:
    """Return the error for an address, a pipe or a stored object, which no opener here reads."""
    if locator.kind == "pipe":
        return InputError(f"{locator}: standard input is not read", hint="name a file.")
    return NoInputError(
        f"{locator}: addresses are not read", hint="download the file first and name it."
    )


SOURCE_OPENERS: tuple[SourceOpener, ...] = (FileSourceOpener(),)


def choose_source(
    locator: Locator, openers: Sequence[SourceOpener] = SOURCE_OPENERS
) -> SourceOpener:
    """Return the first opener that the source's name matches."""
    return next(opener for opener in openers if opener.matches(locator))


def open_source(
    locator: Locator,
    request: SourceRequest,
    notes: Notes,
    openers: Sequence[SourceOpener] = SOURCE_OPENERS,
) -> FrameSource:
    """Open a source with the first opener that its name matches.

    Raises:
        InputError: It is missing, unreadable or holds no video.
        OptionError: The request does not fit it.
    """
    return choose_source(locator, openers).open(locator, request, notes)
