"""One connection read to its end: packets in, frames and sound out to the receiver."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import av

from vidsr.errors import InputError
from vidsr.live.base.formats import SourceFormat
from vidsr.live.base.items import CLOCK_HZ, TIME_BASE, Arrival
from vidsr.live.base.roles import Receiver
from vidsr.live.base.states import Failure
from vidsr.live.sources.opening.connection import Connection
from vidsr.live.sources.opening.watch import Watch
from vidsr.live.sources.reading.arrivals import Moment, Moments
from vidsr.live.sources.reading.clock import LiveClock
from vidsr.live.sources.reading.pacing import Drain, Drained, Pace
from vidsr.live.sources.reading.pictures import LivePictures, Shot
from vidsr.live.sources.reading.sound import Sound
from vidsr.notes import Notes
from vidsr.video.info import SourceInfo

# As many packets in a row that cannot be decoded mean that the decoder does not fit any more.
DEAD_PACKETS = 50
_UNKNOWN = Moment(0.0)
# Numbers of packets without a time lie below.
_NO_TIME = -(1 << 61)


@dataclass(frozen=True)
class Decoded:
    """A decoded picture with the moment of its packet; ``ticks`` in units of ``base``."""

    image: av.VideoFrame
    moment: Moment
    ticks: int | None
    base: Fraction

    @property
    def time_s(self) -> Fraction | None:
        """The time by the source's clock, in seconds."""
        return None if self.ticks is None else self.ticks * self.base


@dataclass
class Line:
    """What goes on over all connections of a source."""

    name: str
    receiver: Receiver
    watch: Watch
    clock: LiveClock
    notes: Notes
    over: threading.Event
    pace: Pace | None = None
    connections: int = 0


class Session:
    """A connection that has been opened.

    Args:
        connection: What is read.
        line: What goes on when it ends.
        backlog_s: The age up to which pictures that were there before are kept; None for any.
    """

    def __init__(self, connection: Connection, line: Line, backlog_s: float | None) -> None:
        self._connection, self._line = connection, line
        video = connection.video
        self._decoder = video.codec_context
        self._pictures = LivePictures(video, line.name, line.notes)
        self._moments = Moments(self._decoder.codec.canonical_name)
        self._sound = Sound(connection.sound) if connection.sound else None
        self._drain: Drain[Decoded] = Drain(backlog_s)
        self._info: SourceInfo | None = None
        self._format: SourceFormat | None = None
        self._failed_in_row = 0
        self._waited_s = 0.0
        self._given: dict[int | None, Moment] = {}  # pictures on their way, by their new times
        line.clock.connect()
        line.clock.step = round(CLOCK_HZ / self._pictures.rate)
        if line.pace:
            line.pace.resume(float(1 / self._pictures.rate))

    def run(self) -> Failure:
        """Read to the end of the connection, and return why it ended.

        Raises:
            OSError, ValueError: FFmpeg's errors while reading.
        """
        watch, began_s = self._line.watch, time.monotonic()
        for packet in self._connection.packets():
            if packet is None:
                self._give(self._drain.finish())
                continue
            came_s = watch.packet()
            self._waited_s += came_s - began_s
            self._take(packet, came_s)
            if watch.waits():
                break
            if self._failed_in_row >= DEAD_PACKETS:
                return Failure("decode", f"{self._failed_in_row} packets in a row do not decode")
            began_s = time.monotonic()
        self._give(self._drain.finish())
        self._show(self._pictures.flush())
        return watch.failure or Failure("eof", "the peer has ended the stream")

    def _take(self, packet: av.Packet[Any], came_s: float) -> None:
        self._line.receiver.received(packet.size)
        if packet.stream.type == "audio":
            self._take_sound(packet, came_s)
        else:
            self._take_video(packet, came_s)

    def _take_sound(self, packet: av.Packet[Any], came_s: float) -> None:
        if self._sound is None or not packet.size:
            return
        coded = self._sound.packet(packet, self._line.clock, came_s)
        if coded is None or self._info is None:
            return
        self._announce(self._info)
        self._line.receiver.sound(coded)

    def _take_video(self, packet: av.Packet[Any], came_s: float) -> None:
        waited_s, self._waited_s = self._waited_s, 0.0
        if packet.size:
            self._pictures.packet(packet)
            self._moments.note(packet, came_s)
        base = packet.time_base or TIME_BASE
        for image in self._decode(packet):
            moment, ticks = self._moments.take(image.pts), image.pts
            self._pictures.decoded(image)
            known = ticks is not None and ticks > _NO_TIME
            item = Decoded(image, moment, ticks if known else None, base)
            self._give(self._drain.push(item, waited_s, time.monotonic()))

    def _decode(self, packet: av.Packet[Any]) -> list[av.VideoFrame]:
        """Return the pictures of a packet; one that does not decode is counted as lost."""
        try:
            images: list[av.VideoFrame] = packet.decode()
        except av.error.EOFError:
            return []
        except av.error.FFmpegError:
            self._failed_in_row += 1
            if self._info is not None:  # before the first key frame nothing can be decoded
                self._line.receiver.lost("corrupt")
            return []
        if images:
            self._failed_in_row = 0
        return images

    def _give(self, drained: Drained[Decoded]) -> None:
        if drained.dropped:
            self._line.receiver.lost("backlog", drained.dropped)
        for item in drained.items:
            self._show(self._pictured(item))

    def _pictured(self, item: Decoded) -> Iterator[Shot]:
        """Yield the frames that a picture gives, on the clock of the source."""
        line, image, base = self._line, item.image, item.base
        moment = self._await(item)
        line.watch.frame()
        image.pts = line.clock.picture(item.ticks, base, moment.arrived_s)
        image.duration = round((image.duration or 0) * base * CLOCK_HZ)
        image.time_base = TIME_BASE
        self._given[image.pts] = moment
        try:
            yield from self._pictures.push(image)
        except InputError as error:
            line.notes.say(f"{line.name}: {error}")
            line.receiver.lost("corrupt")

    def _await(self, item: Decoded) -> Moment:
        """Wait until a picture is due, where that is not when it comes."""
        time_s, pace, now_s = item.time_s, self._line.pace, time.monotonic()
        if pace is None or time_s is None:
            return item.moment
        due_s = max(now_s, pace.due_s(float(time_s), now_s))
        self._line.over.wait(due_s - now_s)
        self._waited_s = 0.0
        return Moment(due_s, item.moment.sent_s)

    def _show(self, shots: Iterable[Shot]) -> None:
        for shot in shots:
            if self._line.over.is_set():
                return
            if shot.info is not None:
                self._announce(shot.info)
            moment = self._given.pop(shot.frame.pts, _UNKNOWN)
            self._line.receiver.frame(
                Arrival(shot.frame, moment.arrived_s, self._line.connections, moment.sent_s)
            )

    def _announce(self, info: SourceInfo) -> None:
        """Tell the format, where it is another than the one told last."""
        self._info = info
        announced = SourceFormat(info, self._sound.format if self._sound else None)
        if announced != self._format:
            self._format = announced
            self._line.receiver.format(announced)
