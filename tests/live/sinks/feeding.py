"""Numbered pictures through an encoder to sinks, and what the sinks report of it."""

from __future__ import annotations

import contextlib
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from typing import Any

import av
import numpy as np
import torch

from tests.makers.counter import SIZE, draw, read
from vidsr.live.base.formats import SoundFormat
from vidsr.live.base.items import CLOCK_HZ, TIME_BASE, CodedPacket
from vidsr.live.base.options import EncoderOptions, Sound
from vidsr.live.base.states import Failure, SinkState
from vidsr.live.sinks.encoding.encoder import LiveEncoder
from vidsr.live.sinks.fanout import Fanout
from vidsr.live.sinks.opening import open_live_sink
from vidsr.live.sinks.pictures import PipePictures
from vidsr.live.sinks.thread_sink import ThreadSink
from vidsr.picture.color import ColorSpec
from vidsr.picture.frame import Frame, VideoFormat
from vidsr.picture.pixel_format import PixelFormat

RATE = Fraction(25)
STEP = CLOCK_HZ // 25
FIRST_PTS = 900_000
COLOR = ColorSpec(matrix=1, primaries=1, transfer=1, range=1)
YUV420 = PixelFormat("yuv", 8, (2, 2))
UDP_QUERY = "?fifo_size=5000&overrun_nonfatal=1"


def numbered(number: int, size: tuple[int, int] = SIZE) -> Frame:
    """Return picture ``number``, in its place of the clock."""
    layout = VideoFormat(*size, YUV420, COLOR)
    samples = np.frombuffer(draw(number, size), np.uint8).copy()
    planes, begin = [], 0
    for height, width in layout.plane_sizes:
        planes.append(
            torch.from_numpy(samples[begin : begin + height * width].reshape(height, width))
        )
        begin += height * width
    return Frame(tuple(planes), layout, FIRST_PTS + number * STEP, STEP)


class Events:
    """The one to whom sinks report: keeps everything."""

    def __init__(self, on_key: Callable[[], None] = lambda: None) -> None:
        self.states: list[tuple[str, SinkState, Failure | None]] = []
        self.packets: Counter[str] = Counter()
        self.bytes: Counter[str] = Counter()
        self.dropped: Counter[str] = Counter()
        self.keys = 0
        self.on_key = on_key

    def sink_state(self, sink: str, state: SinkState, failure: Failure | None = None) -> None:
        self.states.append((sink, state, failure))

    def sent(self, sink: str, packets: int, size_bytes: int) -> None:
        self.packets[sink] += packets
        self.bytes[sink] += size_bytes

    def sink_dropped(self, sink: str, packets: int) -> None:
        self.dropped[sink] += packets

    def key_frame_wanted(self) -> None:
        self.keys += 1
        self.on_key()

    def of(self, sink: str) -> list[SinkState]:
        """Return the states of one sink, in their order."""
        return [state for name, state, _ in self.states if name == sink]

    def failures(self, sink: str) -> list[Failure]:
        """Return the failures of one sink, in their order."""
        return [failure for name, _, failure in self.states if name == sink and failure]


class Feed:
    """An encoder and sinks, fed with numbered pictures at their own pace or at once."""

    def __init__(
        self,
        *texts: str,
        options: EncoderOptions | None = None,
        sound: SoundFormat | None = None,
        choice: Sound = "auto",
    ) -> None:
        self.events = Events()
        opened = [open_live_sink(text, events=self.events, rate=RATE) for text in texts]
        self.pictures = [sink for sink in opened if isinstance(sink, PipePictures)]
        packets = [sink for sink in opened if isinstance(sink, ThreadSink)]
        self.sinks = packets
        self.fanout = Fanout(packets, choice)
        self.encoder = LiveEncoder(
            options or EncoderOptions(keyframe_s=1.0), rate=RATE, sound=sound
        )
        self.events.on_key = self.encoder.want_key_frame
        self.number = 0
        self._format: object = None
        self._over = threading.Event()
        self.longest_write_s = 0.0

    def push(self, count: int = 1, *, size: tuple[int, int] = SIZE) -> None:
        """Encode and pass on the next pictures."""
        for _ in range(count):
            frame = numbered(self.number, size)
            packets = self.encoder.encode(frame)
            begun_s = time.monotonic()
            for packet in packets:
                if self.encoder.format is not self._format:
                    self._format = self.encoder.format
                    assert self.encoder.format is not None
                    self.fanout.open(self.encoder.format)
                self.fanout.write(packet)
            for sink in self.pictures:
                sink.show(frame)
            self.longest_write_s = max(self.longest_write_s, time.monotonic() - begun_s)
            self.number += 1

    def sound(self, packets: Sequence[CodedPacket]) -> None:
        """Pass packets of sound on."""
        for packet in packets:
            self.fanout.write(packet)

    def close(self) -> None:
        """Close encoder and sinks."""
        self.encoder.close()
        self.fanout.close()
        for sink in self.pictures:
            sink.close()

    @contextlib.contextmanager
    def running(self, beside: Callable[[int], None] = lambda _: None) -> Iterator[None]:
        """Feed 25 pictures a second until the block is left; ``beside`` is called before each."""

        def run() -> None:
            due_s = time.monotonic()
            while not self._over.is_set():
                beside(self.number)
                self.push()
                due_s += float(1 / RATE)
                self._over.wait(max(0.0, due_s - time.monotonic()))

        thread = threading.Thread(target=run)
        thread.start()
        try:
            yield
        finally:
            self._over.set()
            thread.join()
            self.close()


def await_that(condition: Callable[[], object], what: str, within_s: float = 60.0) -> None:
    """Wait until the condition holds. Raises TimeoutError."""
    end_s = time.monotonic() + within_s
    while not condition():
        if time.monotonic() > end_s:
            raise TimeoutError(f"expected {what} within {within_s:g} s")
        time.sleep(0.01)


def numbers_of(container: Any, count: int | None = None) -> list[int]:
    """Return the numbers of decoded pictures, all that come or as many as are asked for."""
    found: list[int] = []
    for image in container.decode(video=0):
        number = read(image.to_ndarray(format="gray"))
        assert number is not None
        found.append(number)
        if len(found) == count:
            break
    return found


def sound_of(packets: Sequence[CodedPacket], number: int) -> list[CodedPacket]:
    """Return the packets of sound that begin while a numbered picture is shown."""
    return [packet for packet in packets if (packet.pts - FIRST_PTS) // STEP == number]


def tone(
    codec: str, encoder: str, rate_hz: int, layout: str, seconds: float
) -> tuple[SoundFormat, list[CodedPacket]]:
    """Return a coded tone on the clock of the numbered pictures."""
    context: Any = av.CodecContext.create(encoder, "w")
    context.sample_rate, context.layout = rate_hz, layout
    context.format = "fltp" if encoder == "aac" else "s16"
    context.time_base = Fraction(1, rate_hz)
    context.flags |= 1 << 22  # the set-up apart from the packets
    context.open()
    size = context.frame_size or rate_hz // 50
    packets = []
    for index in range(int(seconds * rate_hz / size)):
        frame = av.AudioFrame(format=context.format.name, layout=layout, samples=size)
        frame.sample_rate, frame.pts, frame.time_base = rate_hz, index * size, context.time_base
        wave = np.sin(np.arange(index * size, (index + 1) * size) * (2 * np.pi * 440 / rate_hz)) / 4
        for plane in frame.planes:
            if encoder == "aac":
                plane.update(wave.astype(np.float32).tobytes())
            else:
                plane.update(
                    (wave * 32767).astype(np.int16).repeat(frame.layout.nb_channels).tobytes()
                )
        packets += context.encode(frame)
    format = SoundFormat(codec, rate_hz, layout, extradata=bytes(context.extradata or b""))
    return format, [_coded(packet) for packet in packets]


def _coded(packet: Any) -> CodedPacket:
    pts = FIRST_PTS + round(packet.pts * packet.time_base / TIME_BASE)
    return CodedPacket(bytes(packet), "sound", pts, pts, key=True)
