"""The kinds of sinks there are, in the order in which they are asked.

What opens them is imported when something is opened, so that a name can be refused before PyAV is
loaded.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from vidsr.errors import OptionError
from vidsr.video.locator import Locator
from vidsr.video.sink.base import SinkOpener
from vidsr.video.sink.target_file import Target

if TYPE_CHECKING:
    from vidsr.notes import Notes
    from vidsr.video.header import StreamHeader
    from vidsr.video.sink.base import FrameSink
    from vidsr.video.sink.output_plan import OutputPlan


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


SINK_OPENERS: tuple[SinkOpener, ...] = (FileSinkOpener(),)


def choose_sink(locator: Locator, openers: Sequence[SinkOpener] = SINK_OPENERS) -> SinkOpener:
    """Return the first opener that the target's name matches."""
    return next(opener for opener in openers if opener.matches(locator))
