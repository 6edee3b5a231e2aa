"""Protocols by which the parts of a live stream know each other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from vidsr.live.base.formats import CodedFormat, SourceFormat
    from vidsr.live.base.items import Arrival, CodedPacket, Result
    from vidsr.live.base.states import DropReason, Failure, SinkState, SourceState
    from vidsr.picture.frame import Frame


class Receiver(Protocol):
    """The one to whom a source gives what comes. A source calls it from one thread.

    No call waits for anything but a lock that is held for microseconds.
    """

    def format(self, format: SourceFormat) -> None:
        """Take the format of what follows: before the first frame, and again where it changes."""
        ...

    def frame(self, arrival: Arrival) -> None:
        """Take a frame, which counts as received."""
        ...

    def lost(self, reason: DropReason, count: int = 1) -> None:
        """Count frames that were received and can never be given: corrupt, or backlog."""
        ...

    def sound(self, packet: CodedPacket) -> None:
        """Take a packet of sound, on the clock of the frames."""
        ...

    def state(self, state: SourceState, failure: Failure | None = None) -> None:
        """Take a new state; ``failure`` tells why the source left ``running``."""
        ...

    def received(self, size_bytes: int) -> None:
        """Count bytes of packets."""
        ...


class LiveSource(Protocol):
    """A source with a thread of its own, which connects again until it is stopped."""

    @property
    def name(self) -> str:
        """The address without secrets."""
        ...

    def start(self, receiver: Receiver) -> None:
        """Begin to connect, and return at once."""
        ...

    def stop(self) -> None:
        """End within two seconds, whatever the peer does. May be called twice."""
        ...


class SinkEvents(Protocol):
    """The one to whom sinks report. They may call it from any thread."""

    def sink_state(self, sink: str, state: SinkState, failure: Failure | None = None) -> None:
        """Take a new state of the sink of that name."""
        ...

    def sent(self, sink: str, packets: int, size_bytes: int) -> None:
        """Count what a sink has passed on."""
        ...

    def sink_dropped(self, sink: str, packets: int) -> None:
        """Count packets of video that a sink had no room for, or got while it was not connected."""
        ...

    def key_frame_wanted(self) -> None:
        """Ask the encoder for a key frame: somebody has just connected."""
        ...


class PacketSink(Protocol):
    """A sink of coded packets, which owns whatever threads and processes it takes."""

    @property
    def name(self) -> str:
        """The address without secrets."""
        ...

    def open(self, format: CodedFormat) -> None:
        """Take the format of what follows, and return at once; again where it changes."""
        ...

    def write(self, packet: CodedPacket) -> None:
        """Take a packet. Returns at once: what cannot be passed on is dropped and counted."""
        ...

    def close(self) -> None:
        """Pass on what is there and end within two seconds. May be called twice."""
        ...


class PictureSink(Protocol):
    """A sink of frames as they are, such as a raw pipe, a program's callback or a preview."""

    @property
    def name(self) -> str: ...

    def show(self, frame: Frame) -> None:
        """Take a frame, whose planes may be read until this returns."""
        ...

    def close(self) -> None: ...


class Contender(Protocol):
    """A stream, as the scheduler sees it. Calls come from the scheduler's threads."""

    @property
    def name(self) -> str: ...
    @property
    def weight(self) -> float: ...
    @property
    def deadline_s(self) -> float: ...

    def deliver(self, result: Result) -> None:
        """Take an upscaled frame; results of one stream come in the order of their times."""
        ...

    def drop(self, arrival: Arrival, reason: DropReason) -> None:
        """Take note of a frame that is not upscaled; its planes have been released."""
        ...
