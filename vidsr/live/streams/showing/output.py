"""The output thread of a stream: every picture at its time, in order, from upscaling to sinks."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import TYPE_CHECKING

import av

from vidsr.errors import VidsrError
from vidsr.live.base.items import CLOCK_HZ, CodedPacket, Result
from vidsr.live.base.options import StreamOptions
from vidsr.live.base.states import Filler
from vidsr.live.streams.measures.faults import Faults
from vidsr.live.streams.measures.record import StreamRecord
from vidsr.live.streams.showing.cadence import Cadence, Grid, SourceTimes
from vidsr.live.streams.showing.coding import Coding
from vidsr.live.streams.showing.kept_picture import KeptPicture, slate
from vidsr.live.streams.showing.outlet import Outlet
from vidsr.live.streams.showing.parts import Surroundings
from vidsr.live.streams.showing.previews import Previews
from vidsr.live.streams.showing.sound_delay import SoundDelay
from vidsr.picture.frame import Frame

if TYPE_CHECKING:
    from vidsr.live.base.formats import SourceFormat
    from vidsr.video.info import SourceInfo

logger = logging.getLogger("vidsr.live")
FAULTS = (VidsrError, OSError, ValueError, av.error.FFmpegError)
LONGEST_WAIT_S = 0.1  # without anything to do; sound and the end are looked at then
SLATE_AFTER_S = 10.0  # of a held picture
MOST_WAITING = 3  # results; more means that encoder or sinks are too slow for the stream


@dataclass(frozen=True)
class Beside:
    """Functions beside a stream's way that its output calls.

    Args:
        spent: Taker of the seconds from a result until it was handed on.
        paused: Function that tells for how many seconds between two moments of the monotonic clock
            the machine let nothing run.
    """

    spent: Callable[[float], None]
    paused: Callable[[float, float], float]


class Output:
    """The last part of a stream, with a thread of its own between ``start`` and its end.

    Args:
        options: The stream's options.
        coding: Encoder and sinks.
        record: Where everything is noted.
        previews: Copies for viewers.
        beside: Functions of others.
    """

    def __init__(
        self,
        options: StreamOptions,
        coding: Coding,
        record: StreamRecord,
        previews: Previews,
        beside: Beside,
    ) -> None:
        self._options, self._coding, self._record = options, coding, record
        self._previews, self._beside = previews, beside
        waits = options.quality.late == "wait"
        self.outlet = Outlet(None if waits else MOST_WAITING)
        self._sound, self._sound_lock = SoundDelay(), threading.Lock()
        self._around = Surroundings(rate=options.fps or Fraction(25))
        self._source: SourceFormat | None = None
        self._cadence: Cadence | None = None
        self._kept, self._slate = KeptPicture(), KeptPicture()
        self._held_since_s: float | None = None
        self._faults = Faults(logger, record.name)
        self._draining = self._stopping = False
        self.ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"vidsr-{record.name}", daemon=True)

    def start(self) -> None:
        """Begin to take results."""
        self._thread.start()

    def source_format(self, format: SourceFormat) -> None:
        """Take the format of what the source gives from now on."""
        sound = format.sound if self._options.sound != "none" else None
        with self._sound_lock:
            if sound != self._around.sound:
                self._sound.forget()
            rate = self._options.fps or Fraction(format.video.rate) or Fraction(25)
            self._around = replace(self._around, rate=rate, hdr=format.video.hdr, sound=sound)
            self._source = format

    def sound(self, packet: CodedPacket) -> None:
        """Take a packet of sound."""
        with self._sound_lock:
            if self._around.sound is not None:
                self._sound.add(packet)

    def drain(self) -> None:
        """End once every frame in flight has been shown: the source is over."""
        self._draining = True
        self.outlet.wake()

    def stop(self) -> None:
        """End at once: what waits is shown, and nothing more is taken."""
        self._stopping = True
        self.outlet.close()

    def join(self, longest_s: float) -> bool:
        """Return True once the thread has ended, False where ``longest_s`` was too short."""
        self._thread.join(longest_s)
        return not self._thread.is_alive()

    def _run(self) -> None:
        try:
            while not self._is_over():
                self._step()
        except Exception:
            logger.exception("%s: the output ended", self._record.name)
            self._record.note(state="failed", error="the output ended by an error")
        finally:
            self.outlet.close()
            self._drop_rest()
            self._close()
            self.ended.set()

    def _is_over(self) -> bool:
        if len(self.outlet):
            return False
        drained = self._draining and self._record.counters.tally().in_flight <= 0
        return self._stopping or drained

    def _step(self) -> None:
        now_s = time.monotonic()
        due_s = self._filler_due_s(now_s)
        longest_s = LONGEST_WAIT_S if due_s is None else min(LONGEST_WAIT_S, due_s - now_s)
        result = self.outlet.take(longest_s)
        now_s = time.monotonic()
        if result is not None:
            self._show_result(result, now_s)
        elif due_s is not None and now_s >= due_s:
            self._fill(now_s)
        self._pass_sound(now_s)

    def _show_result(self, result: Result, now_s: float) -> None:
        counters, frame = self._record.counters, result.frame
        if self._cadence is None:
            self._cadence = self._new_cadence()
        source_pts = frame.pts or 0
        placing = self._cadence.place(source_pts, now_s)
        if placing is None:
            frame.release()
            counters.dropped("rate")
            return
        for pts in placing.repeats:
            self._show_filler("repeat", pts)
        self._held_since_s = None
        since_s = time.monotonic() - result.arrival.arrived_s
        moved = replace(frame, pts=placing.pts)
        if not self._show(moved, time.time_ns() - round(since_s * 1e9)):
            frame.release()
            counters.dropped("failed")
            return
        handed_s = time.monotonic()
        latency_s = handed_s - result.arrival.arrived_s
        own_s = latency_s - self._beside.paused(result.arrival.arrived_s, handed_s)
        missed = own_s > self._options.quality.deadline_s
        counters.shown(result.level, latency_s, missed=missed)
        self._record.latency.add(latency_s)
        self._beside.spent(handed_s - result.done_s)
        self._previews.shown(frame, source_pts, result.level)
        self._kept.keep(frame)
        frame.release()
        with self._sound_lock:
            self._sound.pictures_reached(source_pts, handed_s)

    def _show(self, frame: Frame, clock_ns: int | None = None) -> bool:
        """Pass a picture on. Return False after a fault, which is logged; the next one is tried."""
        size = frame.format.width, frame.format.height
        with self._sound_lock:
            around, source = self._around, self._source
        if source is not None:
            around = replace(around, aspect=_aspect(source.video, size))
        try:
            self._coding.show(frame, around, clock_ns)
        except FAULTS as error:
            self._faults.log(str(error))
            self._record.note(error=str(error))
            return False
        self._record.shown.add(time.monotonic())
        self._record.note(size_out=size)
        return True

    def _filler_due_s(self, now_s: float) -> float | None:
        """Return when a picture has to be repeated, None where none has to."""
        if self._cadence is None or self._draining or self._stopping:
            return None
        if self._options.on_lost == "stop" and self._record.state != "running":
            return None
        if self._options.on_lost == "stop" and self._options.fps is None:
            return None
        return self._cadence.due_s()

    def _fill(self, now_s: float) -> None:
        assert self._cadence is not None
        if self._held_since_s is None:
            self._held_since_s = now_s
        held_s = now_s - self._held_since_s
        kind: Filler = "repeat"
        if self._options.on_lost == "slate" and held_s >= SLATE_AFTER_S:
            kind = "slate"
        self._show_filler(kind, self._cadence.fill(now_s))

    def _show_filler(self, kind: Filler, pts: int) -> None:
        kept = self._kept.frame
        if kept is None:
            return
        if kind == "slate":
            if self._slate.frame is None or self._slate.frame.format != kept.format:
                self._slate.keep(slate(kept.format))
            kept = self._slate.frame or kept
        duration = round(CLOCK_HZ / self._around.rate)
        if not self._show(replace(kept, pts=pts, duration=duration)):
            return
        self._record.counters.filled(kind)
        self._previews.shown(kept, None, kind)

    def _new_cadence(self) -> Cadence:
        fps = self._options.fps
        if fps is None:
            return SourceTimes(float(self._around.rate))
        return Grid(fps, min(self._options.quality.deadline_s, float(3 / fps)))

    def _pass_sound(self, now_s: float) -> None:
        with self._sound_lock:
            packets = tuple(self._sound.due(now_s))
        self._pass(packets)

    def _pass(self, packets: tuple[CodedPacket, ...]) -> None:
        cadence = self._cadence
        if cadence is None:
            return
        moved = (replace(p, pts=cadence.shift(p.pts), dts=cadence.shift(p.dts)) for p in packets)
        self._coding.sound(moved)

    def _drop_rest(self) -> None:
        while (result := self.outlet.take(0.0)) is not None:
            result.frame.release()
            self._record.counters.dropped("stopped")

    def _close(self) -> None:
        try:
            with self._sound_lock:
                rest = tuple(self._sound.rest())
            self._pass(rest)
            self._coding.close()
        except FAULTS as error:
            self._faults.log(str(error))


def _aspect(source: SourceInfo, size: tuple[int, int]) -> Fraction:
    """Return the shape of a sample that shows the source's picture undistorted at a size."""
    pictures = source.format
    shape = Fraction(pictures.width * size[1], pictures.height * size[0])
    aspect = (source.sample_aspect_ratio or Fraction(1)) * shape
    return aspect.limit_denominator(1000)
