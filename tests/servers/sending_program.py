"""A program that sends numbered pictures to an address: RTMP, RTSP, UDP, TCP, pipes.

``python -m tests.servers.sending_program URL``; run by ``tests.servers.senders``. PyAV's outputs
hold the interpreter's lock and know no timeout: hence a process of its own, killed from outside.
"""

from __future__ import annotations

import argparse
import contextlib
import math
import time
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from av.container import OutputContainer

from tests.makers.counter import Stamps, draw

CODECS: dict[str, tuple[str, dict[str, str]]] = {
    "h264": ("libx264", {"preset": "ultrafast", "tune": "zerolatency", "threads": "1"}),
    "h265": (
        "libx265",
        {
            "preset": "ultrafast",
            "tune": "zerolatency",
            "x265-params": "log-level=none:pools=none:frame-threads=1:repeat-headers=1",
        },
    ),
    "mjpeg": ("mjpeg", {"q:v": "3"}),
    "raw": ("rawvideo", {}),
    "y4m": ("wrapped_avframe", {}),
}
CONTAINERS = {"rtmp": "flv", "rtsp": "rtsp", "udp": "mpegts", "tcp": "mpegts", "http": "mpegts"}
# A packet of PES that states its length ends with itself, not with the next one: a frame less.
OPTIONS = {
    "mpegts": {"flush_packets": "1", "omit_video_pes_length": "0", "muxdelay": "0"},
    "rtsp": {"rtsp_transport": "tcp"},
}


def image_of(number: int, size: tuple[int, int], codec: str) -> av.VideoFrame:
    """Return a numbered picture, of full range where the codec has no other."""
    width, height = size
    planes = np.frombuffer(draw(number, size), np.uint8).reshape(height * 3 // 2, width)
    image = av.VideoFrame.from_ndarray(planes, format="yuv420p")
    return image.reformat(format="yuvj420p") if codec == "mjpeg" else image


class Video:
    """The encoder of one size; a new one may follow into the same stream."""

    def __init__(self, output: OutputContainer, args: argparse.Namespace) -> None:
        name, options = CODECS[args.codec]
        self.stream = output.add_stream(name, rate=args.rate)
        self._set_up(self.stream, args, args.size, options)
        self.context: Any = self.stream
        self._args = args

    @staticmethod
    def _set_up(
        target: Any, args: argparse.Namespace, size: tuple[int, int], options: dict[str, str]
    ) -> None:
        target.width, target.height = size
        target.pix_fmt = "yuvj420p" if args.codec == "mjpeg" else "yuv420p"
        target.options = dict(options)
        if args.codec in ("h264", "h265"):
            target.gop_size = args.gop
            target.max_b_frames = 0

    def change_size(self, size: tuple[int, int]) -> None:
        """Encode what follows in another size, with parameter sets inside the stream."""
        name, options = CODECS[self._args.codec]
        context: Any = av.CodecContext.create(name, "w")
        self._set_up(context, self._args, size, options)
        context.time_base = self.stream.codec_context.time_base
        context.framerate = Fraction(self._args.rate)
        self.context = context

    def encode(self, image: av.VideoFrame) -> Iterator[av.Packet[Any]]:
        """Yield the packets of a picture."""
        for packet in self.context.encode(image):
            packet.stream = self.stream
            yield packet


class Sound:
    """A tone of 440 Hz beside the pictures."""

    def __init__(self, output: OutputContainer, codec: str) -> None:
        rate = 8000 if codec.startswith("pcm") else 48000
        self.stream: Any = output.add_stream(codec, rate=rate, layout="mono")
        self.rate, self.done = rate, 0

    def until(self, seconds: float) -> Iterator[av.Packet[Any]]:
        """Yield packets up to a time."""
        size = self.stream.codec_context.frame_size or self.rate // 50
        while self.done / self.rate < seconds:
            phase = (np.arange(size) + self.done) * (2 * math.pi * 440 / self.rate)
            wave = (np.sin(phase) * 8000).astype(np.int16)[None]
            frame = av.AudioFrame.from_ndarray(wave, format="s16", layout="mono")
            frame.sample_rate, frame.pts = self.rate, self.done
            frame.time_base = Fraction(1, self.rate)
            self.done += size
            yield from self.stream.encode(frame)


def send(output: OutputContainer, args: argparse.Namespace) -> None:
    """Send pictures at their pace, or as fast as they can be taken."""
    video = Video(output, args)
    sound = Sound(output, args.sound) if args.sound != "none" else None
    stamps = Stamps(Path(args.stamps)) if args.stamps else None
    size, began_s = args.size, time.monotonic()
    for index in range(args.frames):
        if index == args.change_at:
            size = args.then_size
            video.change_size(size)
        if args.pace:
            time.sleep(max(0.0, began_s + index / args.rate - time.monotonic()))
        number = args.first + index
        image = image_of(number, size, args.codec)
        image.pts = index
        image.time_base = Fraction(1, args.rate)
        if stamps:
            stamps.note(number)
        for packet in video.encode(image):
            output.mux(packet)
        for packet in sound.until((index + 1) / args.rate) if sound else ():
            output.mux(packet)


def _size(text: str) -> tuple[int, int]:
    width, height = map(int, text.split("x"))
    return width, height


def main() -> None:
    """Send until all pictures are sent, or until killed."""
    parser = argparse.ArgumentParser()
    parser.add_argument("url")
    parser.add_argument("--format")
    parser.add_argument("--codec", default="h264", choices=CODECS)
    parser.add_argument("--sound", default="none")
    parser.add_argument("--size", type=_size, default=(160, 96))
    parser.add_argument("--rate", type=int, default=25)
    parser.add_argument("--gop", type=int, default=25)
    parser.add_argument("--frames", type=int, default=1 << 23)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--change-at", type=int, default=-1)
    parser.add_argument("--then-size", type=_size, default=(320, 192))
    parser.add_argument("--no-pace", dest="pace", action="store_false")
    parser.add_argument("--stamps")
    args = parser.parse_args()
    container = args.format or CONTAINERS[args.url.partition(":")[0]]
    options = OPTIONS.get(container, {})
    quiet = contextlib.suppress(BrokenPipeError, KeyboardInterrupt)
    with quiet, av.open(args.url, "w", format=container, options=options) as output:
        send(output, args)


if __name__ == "__main__":
    main()
