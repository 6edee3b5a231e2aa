"""Snapshots of streams and devices, and the view through which the web and reports read them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Protocol

from vidsr.live.base.counters import Tally
from vidsr.live.base.states import SinkState, SourceState

if TYPE_CHECKING:
    from vidsr.picture.frame import Frame

Queue = Literal["upscale", "output"]


@dataclass(frozen=True)
class SinkStatus:
    """A sink of a stream at one moment; its counts stand in the stream's tally by its name.

    Args:
        name: The address without secrets.
        kind: The address's scheme, such as ``rtsp`` or ``hls``.
        state: The newest state.
        since_s: The wall clock (seconds since the epoch) when that state began.
        error: The newest failure in one line without secrets, None while there was none.
        folder: The folder of an HLS sink's playlist and segments, which the web server then
            serves; None for other sinks.
    """

    name: str
    kind: str
    state: SinkState
    since_s: float
    error: str | None = None
    folder: Path | None = None


@dataclass(frozen=True)
class StreamStatus:
    """A stream at one moment.

    Args:
        name: The stream's name in the configuration; ``live`` for one of the command line.
        state: The state of its source.
        since_s: The wall clock (seconds since the epoch) when that state began.
        started_s: The wall clock when the stream was started.
        source: The source's address without secrets.
        source_kind: The source's scheme, such as ``rtsp`` or ``pipe``.
        model: The model of the best level.
        levels: The levels from best to fastest.
        level: The level of the newest frame.
        sinks: The sinks in the order in which they were given.
        error: The newest failure in one line without secrets; None while the source is running.
        connection: The number of the newest connection that brought a frame, 0 before the first.
        size_in: (width, height) of the source in pixels, None before the first frame.
        size_out: (width, height) of the output in pixels, None before the first frame.
        rate: Frames a second as the source states them, None where it does not.
        fps_in: Frames a second received over the last ten seconds.
        fps_out: Pictures a second shown over the last ten seconds, repeats included.
        latency_p50_s: Median over the newest shown frames of the time from arrival until a frame
            was handed on, None before the first.
        latency_p95_s: The 95th percentile of the same.
        last_frame_s: The wall clock of the newest received frame, None before the first.
        queued: Frames that wait, by queue.
        tally: The counters since the start.
    """

    name: str
    state: SourceState
    since_s: float
    started_s: float
    source: str
    source_kind: str
    model: str
    levels: tuple[str, ...]
    level: str
    sinks: tuple[SinkStatus, ...] = ()
    error: str | None = None
    connection: int = 0
    size_in: tuple[int, int] | None = None
    size_out: tuple[int, int] | None = None
    rate: float | None = None
    fps_in: float = 0.0
    fps_out: float = 0.0
    latency_p50_s: float | None = None
    latency_p95_s: float | None = None
    last_frame_s: float | None = None
    queued: Mapping[Queue, int] = field(default_factory=dict)
    tally: Tally = field(default_factory=Tally)

    @property
    def level_index(self) -> int:
        """The place of the level in use among the levels, 0 for the best."""
        return self.levels.index(self.level) if self.level in self.levels else 0


@dataclass(frozen=True)
class DeviceStatus:
    """A device at one moment.

    Args:
        name: The device, such as ``cpu`` or ``cuda:0``.
        busy_s: Seconds that its workers have upscaled since the start, summed over workers.
        workers: Threads that upscale on it.
        batch_sizes: How often batches of each size were upscaled.
    """

    name: str
    busy_s: float
    workers: int = 1
    batch_sizes: Mapping[int, int] = field(default_factory=dict)


@dataclass(frozen=True)
class ServiceStatus:
    """A process of streams at one moment.

    Args:
        version: The version of vidsr.
        started_s: The wall clock (seconds since the epoch) when the service was started.
        ticked_s: Seconds since its threads last gave a sign of life.
        longest_pause_s: The longest time in which the machine let no thread of the process run.
        devices: The devices in use.
    """

    version: str
    started_s: float
    ticked_s: float
    longest_pause_s: float = 0.0
    devices: tuple[DeviceStatus, ...] = ()


@dataclass(frozen=True)
class PicturePair:
    """Source and output of one moment, as copies that stay.

    Args:
        number: A number that grows with every pair of a stream.
        output: The picture that was shown last.
        source: The source of that picture, None where nothing was received for it.
        level: The level that made it, or ``repeat`` or ``slate``.
    """

    number: int
    output: Frame
    source: Frame | None = None
    level: str = ""


class Watch(Protocol):
    """A viewer's hold on a stream's pictures: while it is open, and only then, copies are made."""

    def newest(self) -> PicturePair | None:
        """Return the newest pair at once, None before the first. May be called from any thread."""
        ...

    def close(self) -> None:
        """End. May be called twice."""
        ...


class StreamsView(Protocol):
    """All streams of a process, as those read them that only look. Callable from any thread.

    No call waits for anything but a lock that is held for microseconds.
    """

    def names(self) -> tuple[str, ...]:
        """Return the streams in the order of the configuration."""
        ...

    def status(self, name: str) -> StreamStatus | None:
        """Return the stream of that name at this moment; None where there is none."""
        ...

    def service(self) -> ServiceStatus:
        """Return the process at this moment."""
        ...

    def watch(self, name: str) -> Watch | None:
        """Begin to copy pictures of the stream of that name, ``preview_fps`` a second at most.

        Return None where there is no such stream.
        """
        ...
