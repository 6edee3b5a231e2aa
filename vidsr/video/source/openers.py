"""The kinds of sources there are, in the order in which they are asked."""

from __future__ import annotations

from collections.abc import Sequence

from vidsr.notes import Notes
from vidsr.video.locator import Locator
from vidsr.video.source.base import FrameSource, SourceOpener, SourceRequest
from vidsr.video.source.file_source import FileSource


class FileSourceOpener:
    """Files and numbered pictures. Takes every name: what is no file is refused with a hint."""

    def matches(self, locator: Locator) -> bool:
        """Return True."""
        return True

    def open(self, locator: Locator, request: SourceRequest, notes: Notes) -> FrameSource:
        """Open the file up to its first frame. Raises InputError, OptionError."""
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


SOURCE_OPENERS: tuple[SourceOpener, ...] = (FileSourceOpener(),)


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
    opener = next(opener for opener in openers if opener.matches(locator))
    return opener.open(locator, request, notes)
