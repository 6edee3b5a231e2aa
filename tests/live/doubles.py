"""Parts of a stream that tests hold in their hands: a source, a level, an encoder and sinks."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import replace
from fractions import Fraction

import numpy as np
import torch

from tests.makers.counter import SIZE, draw, read
from vidsr.live.base.formats import CodedFormat, SoundFormat, SourceFormat
from vidsr.live.base.items import CLOCK_HZ, Arrival, CodedPacket
from vidsr.live.base.roles import Receiver
from vidsr.live.streams.showing.parts import Surroundings
from vidsr.picture.color import ColorSpec
from vidsr.picture.frame import Frame, VideoFormat
from vidsr.picture.pixel_format import PixelFormat
from vidsr.video.hdr import HdrMetadata
from vidsr.video.info import SourceInfo

YUV420 = PixelFormat("yuv", 8, (2, 2))
SMALL = VideoFormat(*SIZE, YUV420, ColorSpec())
STEP = CLOCK_HZ // 25


def source_format(
    pictures: VideoFormat = SMALL, sound: SoundFormat | None = None, rate: int = 25
) -> SourceFormat:
    """Return a source's format."""
    info = SourceInfo(
        path="x", container="nut", codec="h264", format=pictures, time_base=Fraction(1, CLOCK_HZ),
        rate=Fraction(rate), sample_aspect_ratio=Fraction(1), display_matrix=None,
        interlaced=False, hdr=HdrMetadata(), matrix_assumed=False, duration_s=None, frames=None,
    )  # fmt: skip
    return SourceFormat(info, sound)


class Released:
    """The number of frames that were lent and given back."""

    def __init__(self) -> None:
        self.lent = self.back = 0

    def frame(self, number: int, pictures: VideoFormat = SMALL, step: int = STEP) -> Frame:
        """Return picture ``number``, which counts when it is released."""
        self.lent += 1
        samples = torch.from_numpy(
            np.frombuffer(draw(number, (pictures.width, pictures.height)), np.uint8).copy()
        )
        planes, at = [], 0
        for height, width in pictures.plane_sizes:
            planes.append(samples[at : at + height * width].view(height, width))
            at += height * width
        return Frame(tuple(planes), pictures, number * step, step, release=self._back)

    def _back(self) -> None:
        self.back += 1


class HandSource:
    """A source that gives what the test says."""

    name = "hand"

    def __init__(self) -> None:
        self.frames = Released()
        self.receiver: Receiver | None = None
        self.stopped = threading.Event()

    def start(self, receiver: Receiver) -> None:
        """Keep the receiver for the test."""
        self.receiver = receiver

    def stop(self) -> None:
        """Note it."""
        self.stopped.set()

    def give(
        self,
        numbers: Iterable[int],
        pictures: VideoFormat = SMALL,
        *,
        pause_s: float = 0.0,
        connection: int = 1,
    ) -> None:
        """Give pictures of these numbers."""
        assert self.receiver is not None
        for number in numbers:
            frame = self.frames.frame(number, pictures)
            self.receiver.frame(Arrival(frame, time.monotonic(), connection))
            time.sleep(pause_s)


class DoublingLevel:
    """A level that shows every sample twice in both directions, after a while.

    Args:
        name: Its name.
        seconds: How long it takes.
        failing: Function that tells for which frames it raises an error.
    """

    def __init__(
        self,
        name: str = "full",
        seconds: float = 0.0,
        failing: Callable[[Frame], bool] = lambda _: False,
    ) -> None:
        self.name, self.seconds, self._failing = name, seconds, failing
        self.side_by_side = 4
        self.closed = False

    def warm(self, source: VideoFormat) -> float:
        """Return how long it takes."""
        return self.seconds

    def upscale(self, frame: Frame) -> Frame:
        """Return the large frame."""
        if self._failing(frame):
            raise ValueError("this frame cannot be upscaled")
        time.sleep(self.seconds)
        planes = (p.repeat_interleave(2, 0).repeat_interleave(2, 1) for p in frame.planes)
        layout = replace(frame.format, width=2 * frame.format.width, height=2 * frame.format.height)
        return Frame(tuple(planes), layout, frame.pts, frame.duration)

    def batch_key(self, source: VideoFormat) -> Hashable:
        """Return None: there are no batches."""
        return None

    def upscale_batch(self, frames: Sequence[Frame], size: int) -> list[Frame]:
        """Upscale one by one."""
        return [self.upscale(frame) for frame in frames]

    def close(self) -> None:
        """Note it."""
        self.closed = True


class NumberEncoder:
    """An encoder whose packets are the numbers of the pictures."""

    def __init__(self, around: Surroundings) -> None:
        self.around = around
        self.format: CodedFormat | None = None
        self._layout: VideoFormat | None = None
        self._key = True

    def encode(self, frame: Frame, *, clock_ns: int | None = None) -> list[CodedPacket]:
        """Return a packet with the picture's number."""
        if frame.format != self._layout:
            self._layout = frame.format
            self.format = CodedFormat(
                "h264", frame.format, self.around.rate, b"", self.around.sound
            )
            self._key = True
        number = read(frame.planes[0].numpy(), 2)
        key, self._key = self._key, False
        pts = frame.pts or 0
        data = b"" if number is None else number.to_bytes(4, "big")
        return [CodedPacket(data, "video", pts, pts, frame.duration or 0, key)]

    def want_key_frame(self) -> None:
        """Make the next packet a key frame."""
        self._key = True

    def close(self) -> None:
        """Do nothing."""


class MemorySink:
    """A sink that keeps formats and packets."""

    name = "memory"

    def __init__(self) -> None:
        self.items: list[CodedFormat | CodedPacket] = []
        self.closed = threading.Event()

    def open(self, format: CodedFormat) -> None:
        """Keep the format."""
        self.items.append(format)

    def write(self, packet: CodedPacket) -> None:
        """Keep the packet."""
        self.items.append(packet)

    def close(self) -> None:
        """Note it."""
        self.closed.set()

    @property
    def video(self) -> list[CodedPacket]:
        """The packets of video."""
        packets = [each for each in self.items if isinstance(each, CodedPacket)]
        return [packet for packet in packets if packet.kind == "video"]

    @property
    def numbers(self) -> list[int]:
        """The numbers of the pictures; -1 for one without."""
        return [int.from_bytes(p.data, "big") if p.data else -1 for p in self.video]


def until(holds: Callable[[], bool], longest_s: float = 60.0) -> bool:
    """Wait until something holds. Return False where that takes too long."""
    ends_s = time.monotonic() + longest_s
    while not holds():
        if time.monotonic() > ends_s:
            return False
        time.sleep(0.005)
    return True
