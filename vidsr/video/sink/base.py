"""The protocol of sinks: they take frames and packets, and report what they have written."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, runtime_checkable

if TYPE_CHECKING:
    from vidsr.notes import Notes
    from vidsr.picture.frame import Frame
    from vidsr.video.header import StreamHeader
    from vidsr.video.items import Discontinuity, Packet
    from vidsr.video.locator import Locator
    from vidsr.video.sink.output_plan import OutputPlan
    from vidsr.video.sink.target_file import Target


@dataclass(frozen=True)
class Written:
    """The record of a finished sink.

    Args:
        frames: Frames of video.
        size_bytes: Everything that was written, other streams and headers included.
        video_s: Seconds from the first frame's time to one frame past the last.
    """

    frames: int
    size_bytes: int
    video_s: float


class FrameSink(Protocol):
    """A receiver of large frames and of packets of the other streams, in one thread.

    ``frames`` and ``bytes_written`` grow meanwhile. ``finish`` or ``abort`` ends it; ``abort``
    may be called at any time, also after either. Each but ``abort`` raises OutputError.
    """

    @property
    def frames(self) -> int: ...
    @property
    def bytes_written(self) -> int: ...

    def write(self, frame: Frame) -> None:
        """Take one frame, and call its ``release`` when its planes have been read."""
        ...

    def copy(self, packet: Packet) -> None:
        """Pass on a packet of another stream of the source."""
        ...

    def finish(self) -> Written:
        """Write what was held back and put the whole in its place."""
        ...

    def abort(self) -> None:
        """Give up, and leave nothing unfinished behind."""
        ...


@runtime_checkable
class MarkingSink(Protocol):
    """A sink that acts on discontinuities too, as a network sink does by a key frame."""

    def mark(self, discontinuity: Discontinuity) -> None: ...


@runtime_checkable
class StoppableSink(Protocol):
    """A sink that may wait for somebody else, and whose wait can be ended from any thread."""

    def stop(self) -> None: ...


class SinkOpener(Protocol):
    """One kind of sink: tells which names are its own, plans targets and opens them."""

    def matches(self, locator: Locator) -> bool: ...

    def target(self, locator: Locator, *, overwrite: bool) -> Target:
        """Return the target and its container. Raises OptionError for a name of neither."""
        ...

    def check(self, target: Target, source: Locator) -> None:
        """Refuse at once what would fail at the end; PyAV is not loaded yet.

        Raises OutputError. Nothing is written.
        """
        ...

    def open(self, plan: OutputPlan, header: StreamHeader, notes: Notes) -> FrameSink:
        """Open the target for writing. Raises OutputError, with nothing left behind."""
        ...

    def discard(self, plan: OutputPlan) -> None:
        """Remove what an interrupted run left of the target, wherever it was struck."""
        ...
