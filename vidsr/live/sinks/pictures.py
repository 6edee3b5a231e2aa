"""Sinks of pictures as they are: Y4M, raw samples, NUT with raw samples, and single JPEGs."""

from __future__ import annotations

import contextlib
import threading
from collections import deque
from fractions import Fraction

from vidsr.errors import VidsrError
from vidsr.live.base.copies import copy_frame
from vidsr.live.sinks.muxing.muxer import MUX_ERRORS
from vidsr.live.sinks.picture_writers import PictureWriter, nominal_rate, open_writer
from vidsr.live.sinks.pipe_end import PipeEnd, PipeFile
from vidsr.live.sinks.reports import SinkReports, failure_of
from vidsr.picture.frame import Frame, VideoFormat

CLOSE_S = 1.5
MOST_FRAMES = 50
MOST_BYTES = 256 << 20


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
