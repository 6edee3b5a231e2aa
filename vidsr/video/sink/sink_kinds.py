"""The kinds of sinks there are, in the order in which they are asked.

What opens them is imported when something is opened, so that a name can be refused before PyAV is
loaded.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from vidsr.errors import OptionError, OutputError
from vidsr.video.locator import Locator
from vidsr.video.media.descriptors import STDOUT, descriptor_named, is_stream, words_for
from vidsr.video.media.pipe_formats import MUXERS, muxer_for
from vidsr.video.sink.base import SinkOpener
from vidsr.video.sink.target_file import Target

if TYPE_CHECKING:
    from vidsr.notes import Notes
    from vidsr.video.header import StreamHeader
    from vidsr.video.sink.base import FrameSink
    from vidsr.video.sink.output_plan import OutputPlan


class PipeSinkOpener:
    """Standard output, other open descriptors, and pipes with a name."""

    def matches(self, locator: Locator) -> bool:
        """Return True for ``-``, names below ``/dev/fd`` and pipes."""
        return is_stream(locator, STDOUT)

    def target(self, locator: Locator, *, overwrite: bool) -> Target:
        """Return the target, in NUT unless a suffix says otherwise."""
        return Target(locator, muxer_for(None, locator.suffix), overwrite, pipe=True)

    def check(self, target: Target, source: Locator) -> None:
        """Refuse now what nobody could read. Raises OutputError."""
        name = words_for(target.locator, STDOUT)
        descriptor = descriptor_named(target.locator, STDOUT)
        if descriptor is None:
            if target.locator == source:
                raise OutputError(f"{name}: is the source itself", hint="choose another name.")
            if not os.access(target.path, os.W_OK):
                raise OutputError(f"{name}: no permission to write there")
            return
        try:
            os.fstat(descriptor)
        except OSError as error:
            raise OutputError(f"{name}: cannot be written: {error.strerror}") from error
        if os.isatty(descriptor):
            raise OutputError(
                f"{name}: is a terminal, which shows no video",
                hint="send it into a program, as in: vidsr clip.mp4 -o - | mpv -.",
            )

    def open(self, plan: OutputPlan, header: StreamHeader, notes: Notes) -> FrameSink:
        """Open the pipe. Raises OutputError."""
        from vidsr.video.sink.pipe_sink import PipeSink

        return PipeSink(plan, header, notes)

    def discard(self, plan: OutputPlan) -> None:
        """Do nothing: what is written stays written."""


class FileSinkOpener:
    """Files and numbered pictures. Takes every name: what is no file is refused in words."""

    def matches(self, locator: Locator) -> bool:
        """Return True."""
        return True

    def target(self, locator: Locator, *, overwrite: bool) -> Target:
        """Return the target. Raises OptionError for an unknown suffix and for what is no file."""
        if locator.kind == "pipe":
            raise OptionError(
                f"{locator}: standard output is not written", hint="name a file such as out.mkv."
            )
        if not locator.local:
            raise OptionError(
                f"{locator}: addresses are not written", hint="name a file, and send it then."
            )
        return Target.of(locator, overwrite=overwrite)

    def check(self, target: Target, source: Locator) -> None:
        """Refuse now what would fail at the end. Raises OutputError."""
        target.check(source, overwrite=target.overwrite)

    def open(self, plan: OutputPlan, header: StreamHeader, notes: Notes) -> FrameSink:
        """Create the working file. Raises OutputError."""
        from vidsr.video.sink.file_sink import FileSink

        return FileSink(plan, header, notes)

    def discard(self, plan: OutputPlan) -> None:
        """Remove the working file, unless another run is at it."""
        plan.target.discard()


def in_format(target: Target, wanted: str | None) -> Target:
    """Return the target in the format that is asked for, which pipes alone can be asked for.

    Raises OptionError.
    """
    if wanted is None:
        return target
    if not target.pipe:
        raise OptionError(
            f"format = {wanted!r}: expected a pipe as the target, got {target.locator}.",
            hint="the suffix of a file names its container.",
        )
    return replace(target, container=MUXERS[wanted])


SINK_OPENERS: tuple[SinkOpener, ...] = (PipeSinkOpener(), FileSinkOpener())


def choose_sink(locator: Locator, openers: Sequence[SinkOpener] = SINK_OPENERS) -> SinkOpener:
    """Return the first opener that the target's name matches."""
    return next(opener for opener in openers if opener.matches(locator))
