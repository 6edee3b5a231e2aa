"""Writers of pictures as they are into a file object."""

from __future__ import annotations

from fractions import Fraction
from typing import Any, Protocol

import av

from vidsr.live.base.copies import copy_image
from vidsr.live.base.items import CLOCK_HZ, TIME_BASE
from vidsr.live.base.options import EncoderOptions
from vidsr.live.sinks.encoding.encoder import LiveEncoder
from vidsr.live.sinks.pipe_end import PipeFile
from vidsr.picture.frame import Frame, VideoFormat

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


def nominal_rate(frame: Frame) -> Fraction | None:
    """Return frames a second by a frame's length, None where it has none.

    The clock's units round the length of a frame by up to 0.02 %: a usual rate near by is meant.
    """
    if not frame.duration or frame.duration < 0:
        return None
    rate = Fraction(CLOCK_HZ, frame.duration)
    usual = min(_USUAL_RATES, key=lambda each: abs(each - rate))
    return usual if abs(usual - rate) < rate / 2000 else rate
