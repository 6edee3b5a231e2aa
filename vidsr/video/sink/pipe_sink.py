"""The sink of pipes: the frames and packets of a file, written at once and never put back."""

from __future__ import annotations

import contextlib
import os
from fractions import Fraction

import av
from av.container import OutputContainer

from vidsr.errors import OutputError
from vidsr.notes import Notes
from vidsr.picture.frame import Frame
from vidsr.video.close_codecs import writing
from vidsr.video.header import StreamHeader
from vidsr.video.media.descriptors import STDOUT, descriptor_named, words_for
from vidsr.video.media.pipe_formats import ONE_STREAM, WORDS
from vidsr.video.media.pipe_writer import PipeWriter, StandardOutput
from vidsr.video.sink.base import Written
from vidsr.video.sink.file_sink import FileSink
from vidsr.video.sink.output_plan import OutputPlan
from vidsr.video.streams.copies import MUX_ERRORS

BUFFER_BYTES = 1 << 20
# A muxer holds packets back until each stream has one. Of a film with few subtitles that would be
# ten seconds of raw pictures, 3.7 GB at 4K and 30 fps.
LONGEST_WAIT_US = 1_000_000


class PipeSink(FileSink):
    """The sink of standard output, other descriptors and pipes with a name.

    Every packet is written as soon as it is there. What has been written stays written, whatever
    happens later. Raises OutputError; ReaderGoneError once nobody reads any more.
    """

    def __init__(self, plan: OutputPlan, header: StreamHeader, notes: Notes) -> None:
        self._grid = _Grid(plan, header.info.time_base, notes)
        super().__init__(plan, header, notes)

    def _take_place(self) -> None:
        locator = self.plan.target.locator
        name = words_for(locator, STDOUT)
        number = descriptor_named(locator, STDOUT)
        self._standard = StandardOutput() if number == STDOUT else None
        self._opened: int | None = None
        if self._standard is not None:
            number = self._standard.descriptor
        elif number is None:
            number = self._opened = os.open(locator.path, os.O_WRONLY)
        self._writer = PipeWriter(number, name, self._with_aspect)

    def _with_aspect(self, data: bytes) -> bytes:
        """Return the beginning of the stream; in Y4M with the samples' shape, which PyAV omits."""
        aspect = self.plan.sample_aspect_ratio
        if self.plan.target.container != "yuv4mpegpipe":
            return data
        line, rest = data.split(b"\n", 1)
        stated = f" A{aspect.numerator}:{aspect.denominator} ".encode()
        return line.replace(b" A0:0 ", stated) + b"\n" + rest

    def _create(self, options: dict[str, str]) -> OutputContainer:
        options = options | {"flush_packets": "1", "max_interleave_delta": str(LONGEST_WAIT_US)}
        return av.open(
            self._writer,
            "w",
            format=self.plan.target.container,
            container_options=options,
            buffer_size=BUFFER_BYTES,
        )

    def write(self, frame: Frame) -> None:
        """Encode one frame and release it."""
        self._grid.see(frame.pts)
        super().write(frame)

    def _check(self) -> None:
        self._writer.check()

    def stop(self) -> None:
        """End a write that waits for the reader, from any thread."""
        self._writer.stop()

    def finish(self) -> Written:
        """Flush the encoder, end the stream and close it."""
        self._mux(None)
        try:
            self.passthrough.finish()
            self._closed = True
            self.container.close()
            self._writer.check()
        except MUX_ERRORS as error:
            self.abort()
            raise self._failure("writing the end failed", error) from error
        self.bytes_written = self._writer.written
        self._leave_place()
        self._grid.tell()
        self._tell_streams()
        return Written(self.frames, self.bytes_written, self.video_s)

    def _failure(self, what: str, error: Exception) -> OutputError:
        """Return the writer's own error where there is one: it came first."""
        try:
            self._writer.check()
        except OutputError as own:
            return own
        return super()._failure(what, error)

    def _leave_place(self) -> None:
        self._writer.close()
        if self._opened is not None:
            os.close(self._opened)
            self._opened = None
        if self._standard is not None:
            self._standard.give_back()

    def abort(self) -> None:
        """Close the stream; nothing more is written."""
        if not hasattr(self, "_writer"):
            return
        self._writer.stop()
        if not self._closed:
            self._closed = True
            with contextlib.suppress(*MUX_ERRORS), writing(self.container):
                pass
        self._leave_place()


class _Grid:
    """A look at frames on their way into a format without times."""

    def __init__(self, plan: OutputPlan, time_base: Fraction, notes: Notes) -> None:
        self._applies = plan.target.container in ONE_STREAM
        self._word = WORDS[plan.target.container]
        self._rate, self._time_base, self._notes = plan.rate, time_base, notes
        self._frames = self._missed = 0
        self._first: int | None = None

    def see(self, pts: int | None) -> None:
        """Compare a frame's time with the one that its number stands for."""
        if not self._applies or pts is None:
            return
        self._first = pts if self._first is None else self._first
        late = (pts - self._first) * self._time_base * self._rate - self._frames
        self._frames += 1
        if abs(late) <= Fraction(1, 2):
            return
        if not self._missed:
            self._notes.say(
                f"the frame rate varies, and {self._word} has no times: it will be taken for "
                f"{float(self._rate):g} fps; format = 'nut' keeps every time"
            )
        self._missed += 1

    def tell(self) -> None:
        """Log a warning of how many frames were moved."""
        if self._missed:
            self._notes.say(
                f"{self._missed} of {self._frames} frames will be shown at another time"
            )
