"""Sinks of pictures as they are: Y4M, raw samples, NUT with raw samples, and single JPEGs."""

from __future__ import annotations

import contextlib
import threading
from collections import deque
from fractions import Fraction
from typing import Any, Protocol

import av

from vidsr.errors import VidsrError
from vidsr.live.base.copies import copy_frame, copy_image
from vidsr.live.base.items import CLOCK_HZ, TIME_BASE
from vidsr.live.base.options import EncoderOptions
from vidsr.live.sinks.encoding.encoder import LiveEncoder
from vidsr.live.sinks.muxing.muxer import MUX_ERRORS
from vidsr.live.sinks.pipe_end import PipeEnd, PipeFile
from vidsr.live.sinks.reports import SinkReports, failure_of
from vidsr.picture.frame import Frame, VideoFormat

CLOSE_S = 1.5
MOST_FRAMES = 50
MOST_BYTES = 256 << 20
_USUAL_RATES = (
    *(Fraction(24_000, 1001), Fraction(30_000, 1001), Fraction(60_000, 1001)),
    *(Fraction(number) for number in (5, 10, 15, 24, 25, 30, 50, 60)),
)


class PictureWriter(Protocol):
    """A writer of frames of one format into a file object."""

    def write(self, frame: Frame) -> None: ...

    def close(self) -> None: ...


class RawWriter:
    """A writer of samples, plane after plane, and of nothing else."""

    def __init__(self, file: PipeFile) -> None:
        self._file = file

    def write(self, frame: Frame) -> None:
        """Write one picture."""
        for plane in frame.planes:
            samples: Any = memoryview(plane.contiguous().numpy())  # type: ignore[arg-type]
            self._file.write(samples.cast("B"))

    def close(self) -> None:
        """Do nothing: there is no end to write."""


class ContainerWriter:
    """A writer of raw pictures in a container, ``yuv4mpegpipe`` or ``nut``."""

    def __init__(self, file: PipeFile, container: str, format: VideoFormat, rate: Fraction) -> None:
        options = {"strict": "-1", "flush_packets": "1"}
        self._container: Any = av.open(file, "w", format=container, container_options=options)
        self._stream = self._container.add_stream("rawvideo", rate=rate)
        context, color = self._stream.codec_context, format.color
        context.width, context.height = format.width, format.height
        context.pix_fmt = format.pixel.name
        context.colorspace, context.color_range = color.matrix, color.range
        context.color_primaries, context.color_trc = color.primaries, color.transfer
        # Y4M counts frames; NUT keeps the clock.
        self._counts = container == "yuv4mpegpipe"
        self._stream.time_base = context.time_base = 1 / rate if self._counts else TIME_BASE
        self._frames = 0

    def write(self, frame: Frame) -> None:
        """Write one picture, in NUT with its time."""
        image = copy_image(frame)
        image.pts = self._frames if self._counts else frame.pts
        image.time_base = self._stream.time_base
        for packet in self._stream.encode(image):
            packet.duration = 1 if self._counts else frame.duration or 0
            self._container.mux_one(packet)
        self._frames += 1

    def close(self) -> None:
        """Write the end."""
        self._container.close()


class JpegWriter:
    """A writer of one JPEG after the other."""

    def __init__(self, file: PipeFile, rate: Fraction) -> None:
        self._file = file
        self._encoder = LiveEncoder(EncoderOptions(codec="mjpeg"), rate=rate)

    def write(self, frame: Frame) -> None:
        """Write one picture."""
        for packet in self._encoder.encode(frame):
            self._file.write(packet.data)

    def close(self) -> None:
        """Give the encoder up."""
        self._encoder.close()


def open_writer(format: str, file: PipeFile, first: Frame, rate: Fraction) -> PictureWriter:
    """Return a writer for pictures like the first. Raises one of MUX_ERRORS."""
    if format == "raw":
        return RawWriter(file)
    if format == "mjpeg":
        return JpegWriter(file, rate)
    return ContainerWriter(file, "yuv4mpegpipe" if format == "y4m" else "nut", first.format, rate)


class PipePictures:
    """A sink of pictures with a thread of its own: a reader that is stuck stops nobody.

    Frames that the reader has no time for are dropped and counted. Neither Y4M nor raw samples
    tell of a change of size, after which the sink has failed.

    Args:
        end: The pipe.
        format: ``y4m``, ``raw``, ``nut-raw`` or ``mjpeg``.
        reports: The way of states and counts.
        rate: Frames a second, where the first frame does not tell its length.
    """

    def __init__(self, end: PipeEnd, format: str, reports: SinkReports, rate: Fraction) -> None:
        self._end, self._format, self._reports, self._rate = end, format, reports, rate
        self._frames: deque[Frame] = deque()
        self._changed = threading.Condition()
        self._closing = self._over = False
        self._thread: threading.Thread | None = None
        self._layout: VideoFormat | None = None

    @property
    def name(self) -> str:
        """The address without secrets."""
        return self._reports.name

    def show(self, frame: Frame) -> None:
        """Take a copy of a frame, or drop and count it."""
        with self._changed:
            most = max(2, min(MOST_FRAMES, MOST_BYTES // max(1, frame.format.frame_bytes)))
            if self._closing or self._over:
                self._reports.dropped(1)
                return
            if len(self._frames) >= most:  # the oldest: who reads again sees the present
                self._frames.popleft()
                self._reports.dropped(1)
            self._frames.append(copy_frame(frame))
            self._changed.notify()
            if self._thread is None:
                self._thread = threading.Thread(
                    target=self._run, name=f"vidsr sink {self.name}", daemon=True
                )
                self._thread.start()

    def close(self) -> None:
        """Write what is there and end, within two seconds whoever reads."""
        with self._changed:
            self._closing = True
            self._changed.notify()
        if self._thread is None:
            self._reports.enter("closed")
            return
        self._thread.join(CLOSE_S)
        if self._thread.is_alive():
            self._end.stop()
            self._thread.join(0.4)

    def _run(self) -> None:
        self._reports.enter("connecting")
        writer: PictureWriter | None = None
        try:
            file = self._end.open()
            self._reports.enter("running")
            while (frame := self._next()) is not None:
                if writer is None:
                    rate = nominal_rate(frame) or self._rate
                    writer = open_writer(self._format, file, frame, rate)
                self._write(writer, frame, file)
            if writer is not None:
                writer.close()
        except (*MUX_ERRORS, VidsrError) as error:
            self._reports.enter("failed", failure_of(error, "writing failed"))
            if writer is not None:
                with contextlib.suppress(*MUX_ERRORS):
                    writer.close()
        finally:
            self._finish()

    def _write(self, writer: PictureWriter, frame: Frame, file: PipeFile) -> None:
        if self._layout is None:
            self._layout = frame.format
        if frame.format != self._layout and self._format != "mjpeg":
            raise ValueError("the pictures' size or format has changed")
        before = file.written
        writer.write(frame)
        self._reports.sent(1, file.written - before)

    def _next(self) -> Frame | None:
        """Return the oldest frame; None at the end."""
        with self._changed:
            while not self._frames and not self._closing:
                self._changed.wait()
            return self._frames.popleft() if self._frames else None

    def _finish(self) -> None:
        with self._changed:
            self._over = True
            self._reports.dropped(len(self._frames))
            self._frames.clear()
        self._end.close()
        if self._reports.state != "failed":
            self._reports.enter("closed")


def nominal_rate(frame: Frame) -> Fraction | None:
    """Return frames a second by a frame's length, None where it has none.

    The clock's units round the length of a frame by up to 0.02 %: a usual rate near by is meant.
    """
    if not frame.duration or frame.duration < 0:
        return None
    rate = Fraction(CLOCK_HZ, frame.duration)
    usual = min(_USUAL_RATES, key=lambda each: abs(each - rate))
    return usual if abs(usual - rate) < rate / 2000 else rate
