"""The way of pictures from a source over the scheduler to the sinks, put together of its parts."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from fractions import Fraction
from typing import TYPE_CHECKING, Literal

from vidsr.live.base.items import Arrival, Result
from vidsr.live.base.options import BICUBIC, StreamOptions
from vidsr.live.base.states import DropReason, Failure, SinkState
from vidsr.live.base.status import StreamStatus
from vidsr.live.streams.intake import Intake
from vidsr.live.streams.measures.record import Identity, StreamRecord
from vidsr.live.streams.place import Place
from vidsr.live.streams.showing.coding import Coding
from vidsr.live.streams.showing.output import Beside, Output
from vidsr.live.streams.showing.parts import Ways
from vidsr.live.streams.showing.previews import Previews

if TYPE_CHECKING:
    from vidsr.live.schedule.scheduler import Scheduler

logger = logging.getLogger("vidsr.live")
MOST_AHEAD = 8  # results that wait for the output where every frame is upscaled
TILE = 32  # pixels of the source across a tile, the unit in which reuse is counted
STOP_S = 2.0  # in which a stream ends, whatever its peers do


class Course:
    """A running stream: contender of the scheduler, and hub of the reports of its parts.

    Args:
        identity: What it is called, and what it consists of.
        options: Its options.
        ways: The ways to its parts.
        scheduler: The scheduler that streams share.
        paused: Function that tells for how many seconds between two moments of the monotonic clock
            the machine let nothing run.
    """

    def __init__(
        self,
        identity: Identity,
        options: StreamOptions,
        ways: Ways,
        scheduler: Scheduler,
        paused: Callable[[float, float], float] = lambda begin_s, end_s: 0.0,
    ) -> None:
        self._identity, self._options = identity, options
        self.record = StreamRecord(identity)
        self.previews = Previews(options.preview_fps)
        self._coding: Coding | None = None
        levels = ways.levels()
        sinks = ways.sinks(self, self._rate)
        self._coding = Coding(ways.encoder, sinks.packets, sinks.pictures, self.record.counters)
        self._place = Place(scheduler, self, options.quality.late, levels, self)
        self._output = Output(
            options, self._coding, self.record, self.previews, Beside(self._place.spent, paused)
        )
        self._intake = Intake(self.record, self._submit, self._output, self.previews)
        self._source = ways.source()
        self._stop_lock, self._started, self._stopped = threading.Lock(), False, False

    @property
    def name(self) -> str:
        """The stream's name."""
        return self._identity.name

    @property
    def weight(self) -> float:
        """Its share of the device when there is too little for all."""
        return self._options.quality.weight

    @property
    def deadline_s(self) -> float:
        """Longest time from a frame's arrival until it is handed on."""
        return self._options.quality.deadline_s

    @property
    def ended(self) -> threading.Event:
        """The event that is set once everything has been passed on and the sinks are closed."""
        return self._output.ended

    def start(self) -> None:
        """Begin to connect, and return at once."""
        self._started = True
        self._output.start()
        self._source.start(self._intake)

    def stop(self) -> None:
        """End within two seconds, with everything passed on that is ready. May be called twice."""
        with self._stop_lock:
            if self._stopped:
                return
            self._stopped = True
        if not self._started:
            self._output.start()
        ends_s = time.monotonic() + STOP_S
        closing = threading.Thread(target=self._source.stop, name=f"vidsr-{self.name}-stop")
        closing.daemon = True
        closing.start()
        self._place.leave()
        self._output.stop()
        self._output.join(max(0.1, ends_s - time.monotonic()))
        closing.join(max(0.1, ends_s - time.monotonic()))
        if self.record.state not in ("ended", "failed"):
            self.record.source_state("ended", None)

    def status(self) -> StreamStatus:
        """Return the stream at this moment."""
        waiting = len(self._output.outlet)
        in_work = self.record.counters.tally().in_flight - waiting
        return self.record.snapshot({"upscale": max(0, in_work), "output": waiting})

    def deliver(self, result: Result) -> None:
        """Take an upscaled frame from the scheduler."""
        counters = self.record.counters
        began_s = result.arrival.arrived_s if result.began_s is None else result.began_s
        counters.took("wait", max(0.0, began_s - result.arrival.arrived_s))
        counters.took("upscale", result.done_s - began_s)
        self._count_tiles(result)
        self.record.note(level=result.level, levels=self._place.levels)
        given_up = self._output.outlet.put(result)
        if given_up is not None:
            given_up.frame.release()
            counters.dropped("stopped" if given_up is result else "superseded")
        self._place.returned()

    def drop(self, arrival: Arrival, reason: DropReason) -> None:
        """Take note of a frame that is not upscaled."""
        moved = reason == "stopped" and self._place.changes_format
        self.record.counters.dropped("format" if moved else reason)
        self._place.returned()

    def level_changed(self, direction: Literal["down", "up"], level: str) -> None:
        """Take note that the next frames get another level."""
        self.record.counters.level_changed(direction)
        self.record.note(level=level)

    def level_failed(self, level: str, error: BaseException) -> None:
        """Take note that a level raised an error."""
        logger.error("%s: %s: %s", self.name, level, error)
        self.record.note(error=f"{level}: {error}")

    def sink_state(self, sink: str, state: SinkState, failure: Failure | None = None) -> None:
        """Take a new state of a sink."""
        self.record.sink_state(sink, state, failure)

    def sent(self, sink: str, packets: int, size_bytes: int) -> None:
        """Count what a sink has passed on."""
        self.record.sent(sink, packets, size_bytes)

    def sink_dropped(self, sink: str, packets: int) -> None:
        """Count packets of video that a sink did not pass on."""
        self.record.sink_dropped(sink, packets)

    def key_frame_wanted(self) -> None:
        """Make the next picture a key frame."""
        if self._coding is not None:
            self._coding.want_key_frame()

    def _count_tiles(self, result: Result) -> None:
        """Count tiles that were computed, and that were taken from the frame before."""
        if result.level == BICUBIC or self._options.quality.reuse == "off":
            return
        source = result.arrival.frame.format
        count = -(-source.width // TILE) * -(-source.height // TILE)
        computed = round(result.computed * count)
        self.record.counters.tiles(computed, count - computed)

    def _rate(self) -> Fraction:
        """Return frames a second: those of the grid, or as the source states them."""
        stated = Fraction(self.record.rate or 25).limit_denominator(1001)
        return self._options.fps or stated

    def _submit(self, arrival: Arrival) -> None:
        if self.record.rate is not None:
            self._place.rate = self.record.rate
        if self._options.quality.late == "wait":
            self._output.outlet.await_room(MOST_AHEAD)
        self._place.submit(arrival)
