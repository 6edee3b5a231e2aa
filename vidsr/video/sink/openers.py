"""The kinds of sinks there are, in the order in which they are asked."""

from __future__ import annotations

from collections.abc import Sequence

from vidsr.notes import Notes
from vidsr.video.header import StreamHeader
from vidsr.video.locator import Locator
from vidsr.video.sink.base import FrameSink, SinkOpener
from vidsr.video.sink.file_sink import FileSink
from vidsr.video.sink.output_plan import OutputPlan
from vidsr.video.sink.target_file import Target


class FileSinkOpener:
    """Files and numbered pictures. Takes every name: what is no file is refused in words."""

    def matches(self, locator: Locator) -> bool:
        """Return True."""
        return True

    def plan_target(self, locator: Locator, source: Locator, *, overwrite: bool) -> Target:
        """Return the target. Raises OptionError for its suffix, OutputError for its place."""
        target = Target.of(locator, overwrite=overwrite)
        target.check(source, overwrite=overwrite)
        return target

    def open(self, plan: OutputPlan, header: StreamHeader, notes: Notes) -> FrameSink:
        """Create the working file. Raises OutputError."""
        return FileSink(plan, header, notes)

    def discard(self, plan: OutputPlan) -> None:
        """Remove the working file, unless another run is at it."""
        plan.target.discard()


SINK_OPENERS: tuple[SinkOpener, ...] = (FileSinkOpener(),)


def choose_sink(locator: Locator, openers: Sequence[SinkOpener] = SINK_OPENERS) -> SinkOpener:
    """Return the first opener that the target's name matches."""
    return next(opener for opener in openers if opener.matches(locator))


def open_sink(
    plan: OutputPlan,
    header: StreamHeader,
    notes: Notes,
    openers: Sequence[SinkOpener] = SINK_OPENERS,
) -> FrameSink:
    """Open a planned target with the first opener that its name matches. Raises OutputError."""
    return choose_sink(plan.target.locator, openers).open(plan, header, notes)
