"""The kinds of sources there are, in the order in which they are asked.

What opens them is imported when something is opened, so that a name can be refused before PyAV is
loaded.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from vidsr.errors import InputError, NoInputError
from vidsr.video.locator import Locator
from vidsr.video.media.descriptors import (
    STDIN,
    descriptor_named,
    is_regular,
    is_stream,
    words_for,
)
from vidsr.video.source.base import SourceOpener, SourceRequest
from vidsr.video.source.presence import check_source

if TYPE_CHECKING:
    from vidsr.notes import Notes
    from vidsr.video.media.medium import Medium
    from vidsr.video.source.base import FrameSource


READ_SCHEMES = ("http", "https", "ftp")
LIVE_SCHEMES = ("rtsp", "rtsps", "rtmp", "rtmps", "rtp", "udp", "tcp", "srt", "mms")


class PipeSourceOpener:
    """Standard input, other open descriptors, and pipes with a name: read from front to back."""

    def matches(self, locator: Locator) -> bool:
        """Return True for ``-``, names below ``/dev/fd`` and pipes."""
        return is_stream(locator, STDIN)

    def check(self, locator: Locator) -> None:
        """Raise InputError where nothing can come: a closed descriptor, a terminal."""
        descriptor = descriptor_named(locator, STDIN)
        if descriptor is None:
            if not os.access(locator.path, os.R_OK):
                raise InputError(f"{locator}: no permission to read it")
            return
        name = words_for(locator, STDIN)
        try:
            os.fstat(descriptor)
        except OSError as error:
            raise NoInputError(f"{name}: cannot be read: {error.strerror}") from error
        if os.isatty(descriptor):
            raise InputError(
                f"{name}: is a terminal",
                hint="send a video into it, as in: cat clip.ts | vidsr - -o out.mkv.",
            )

    def open(self, locator: Locator, request: SourceRequest, notes: Notes) -> FrameSource:
        """Open the pipe up to its first frame. Raises InputError, OptionError."""
        from vidsr.video.media.pipe_medium import PipeMedium
        from vidsr.video.media.pipe_reader import PipeReader

        request.layout.check(request.framerate)
        descriptor = descriptor_named(locator, STDIN)
        if descriptor is not None and sys.platform == "linux" and is_regular(descriptor):
            # Opened anew there, from its beginning: whatever files can, this can.
            place = Locator.of(f"/proc/self/fd/{descriptor}")
            return _file_source(place, request, notes)
        try:
            number = os.open(locator.path, os.O_RDONLY) if descriptor is None else descriptor
        except OSError as error:
            raise InputError(f"{locator}: cannot be opened: {error.strerror}") from error
        reader = PipeReader(number, words_for(locator, STDIN), owned=descriptor is None)
        layout = request.layout
        medium = PipeMedium(reader, layout.demuxer, layout.options(request.framerate))
        return _source(locator, request, notes, medium)


class AddressSourceOpener:
    """Addresses of films that end, over HTTP, HTTPS and FTP."""

    def matches(self, locator: Locator) -> bool:
        """Return True for an address of these."""
        return locator.kind == "address" and locator.scheme in READ_SCHEMES

    def check(self, locator: Locator) -> None:
        """Do nothing: only the server knows."""

    def open(self, locator: Locator, request: SourceRequest, notes: Notes) -> FrameSource:
        """Open the address up to its first frame. Raises InputError, OptionError."""
        request.layout.check(request.framerate)
        return _source(locator, request, notes, _address(locator, request, notes))


class ObjectSourceOpener:
    """Objects of stores that fsspec reaches."""

    def matches(self, locator: Locator) -> bool:
        """Return True for an address of a store."""
        return locator.kind == "object"

    def check(self, locator: Locator) -> None:
        """Raise OptionError for credentials in the address; only the store knows more."""
        from vidsr.video.stores.filesystems import check_address

        check_address(locator)

    def open(self, locator: Locator, request: SourceRequest, notes: Notes) -> FrameSource:
        """Open the object up to its first frame. Raises InputError, OptionError."""
        request.layout.check(request.framerate)
        return _source(locator, request, notes, medium_of(locator, request, notes))


class FileSourceOpener:
    """Files and numbered pictures. Takes every name: what is no file is refused with a hint."""

    def matches(self, locator: Locator) -> bool:
        """Return True."""
        return True

    def check(self, locator: Locator) -> None:
        """Raise InputError where there is no such file, or the name is none of a file."""
        if not locator.local:
            raise _no_opener(locator)
        check_source(locator)

    def open(self, locator: Locator, request: SourceRequest, notes: Notes) -> FrameSource:
        """Open the file up to its first frame. Raises InputError, OptionError."""
        request.layout.check(request.framerate)
        return _file_source(locator, request, notes)


def _file_source(locator: Locator, request: SourceRequest, notes: Notes) -> FrameSource:
    medium: Medium | None = None
    layout = request.layout
    if layout.demuxer is not None:
        from vidsr.video.media.file_medium import FileMedium

        check_source(locator)
        medium = FileMedium(locator.path, layout.demuxer, layout.options(request.framerate))
    elif request.allow and locator.kind == "file" and _is_playlist(locator):
        medium = _address(locator, request, notes)
    return _source(locator, request, notes, medium)


def _is_playlist(locator: Locator) -> bool:
    from vidsr.video.media.containers import names_others

    check_source(locator)
    return names_others(str(locator.path))


def _address(locator: Locator, request: SourceRequest, notes: Notes) -> Medium:
    from vidsr.video.addresses.address_medium import AddressMedium

    layout = request.layout
    return AddressMedium(
        locator,
        request.allow,
        notes,
        layout=layout.demuxer,
        options=layout.options(request.framerate),
    )


def medium_of(locator: Locator, request: SourceRequest, notes: Notes) -> Medium | None:
    """Return a new medium of an address or an object, None for what is a file."""
    if locator.kind == "address":
        return _address(locator, request, notes)
    if locator.kind != "object":
        return None
    from vidsr.video.stores.object_medium import ObjectMedium

    layout = request.layout
    return ObjectMedium(locator, layout.demuxer, layout.options(request.framerate))


def _source(
    locator: Locator, request: SourceRequest, notes: Notes, medium: Medium | None
) -> FrameSource:
    from vidsr.video.source.file_source import FileSource

    return FileSource(
        locator,
        start_s=request.start_s,
        duration_s=request.duration_s,
        deinterlace=request.deinterlace,
        framerate=request.framerate,
        upright=request.upright,
        hwaccel=request.hwaccel if medium is None else None,
        notes=notes,
        medium=medium,
    )


def unread(locator: Locator) -> InputError:
    """Return the error for what is no file, of commands that read files alone."""
    if locator.kind == "pipe":
        return InputError(f"{locator}: standard input is not read", hint="name a file.")
    return NoInputError(
        f"{locator}: addresses are not read", hint="download the file first and name it."
    )


def _no_opener(locator: Locator) -> InputError:
    """Return the error for an address or a stored object that no opener here reads."""
    if locator.scheme in LIVE_SCHEMES:
        return NoInputError(
            f"{locator}: streams without an end are not read",
            hint="vidsr-live reads cameras and broadcasts.",
        )
    return NoInputError(
        f"{locator}: {locator.scheme} addresses are not read",
        hint="download the file first and name it.",
    )


SOURCE_OPENERS: tuple[SourceOpener, ...] = (
    PipeSourceOpener(),
    AddressSourceOpener(),
    ObjectSourceOpener(),
    FileSourceOpener(),
)


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
