"""Plain loop of scripts: read a picture, upscale it, encode it, next; one thread of Python."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import chain, islice
from pathlib import Path
from typing import TypeVar

import av
from av.video.frame import PictureType

from vidsr.bench.peers.job import Opened, PeerJob
from vidsr.errors import InputError, NoInputError, OutputError
from vidsr.video.close_codecs import reading, writing

T = TypeVar("T")
WARM_UP = 2  # first runs allocate memory, choose kernels and lay out weights


@dataclass(frozen=True)
class Timing:
    """Times of a run: ``frame_s`` between delivered pictures; ``flush_s`` for the encoder's rest.

    ``cpu_s`` of the whole process over all of that, ``frames`` the pictures delivered.
    """

    frame_s: list[float]
    flush_s: float
    cpu_s: float

    @property
    def frames(self) -> int:
        return len(self.frame_s)


def size_and_rate(source: Path) -> tuple[int, int, Fraction]:
    """Return width, height and frames a second of the first video stream. Raises InputError."""
    if not source.is_file():
        raise NoInputError(f"{source}: no such file")
    try:
        with reading(av.open(str(source))) as clip:
            stream = clip.streams.video[0]
            rate = stream.average_rate or stream.guessed_rate or Fraction(25)
            return stream.width, stream.height, rate
    except (av.FFmpegError, IndexError, ValueError) as error:
        raise InputError(f"{source}: not a video, or damaged: {error}") from error


def read_images(source: Path) -> Iterator[av.VideoFrame]:
    """Yield decoded pictures, by as many threads as FFmpeg likes."""
    with reading(av.open(str(source))) as clip:
        clip.streams.video[0].thread_type = "AUTO"
        yield from clip.decode(video=0)


def run(job: PeerJob, peer: Opened[T]) -> Timing:
    """Upscale the clip and time it, after a picture that warms the network up.

    Raises InputError if the source has too few pictures, OutputError if TARGET cannot be written.
    """
    for image in islice(peer.read(), 1):
        for _ in range(WARM_UP):
            peer.upscale(image)
    if peer.network is not None:
        peer.network.seconds.clear()
    try:
        timing = _timed(job, peer)
    except (av.FFmpegError, OSError) as error:
        raise OutputError(f"{job.target}: cannot be written: {error}") from error
    if timing.frames < job.frames:
        raise InputError(f"{job.source}: frames = {job.frames}, but it has {timing.frames}")
    return timing


def _timed(job: PeerJob, peer: Opened[T]) -> Timing:
    frame_s: list[float] = []
    with writing(av.open(str(job.target), "w")) as target:
        stream = _stream(target, job)
        images = islice(peer.read(), job.frames)
        first = list(islice(images, 1))  # opening the file does not count, as it does not for vidsr
        cpu, last = time.process_time(), time.perf_counter()
        for index, image in enumerate(chain(first, images)):
            large = peer.upscale(image)
            large.pts, large.time_base = index, 1 / job.rate
            large.pict_type = PictureType.NONE
            target.mux(stream.encode(large))
            now = time.perf_counter()
            frame_s.append(now - last)
            last = now
        target.mux(stream.encode(None))
        return Timing(frame_s, time.perf_counter() - last, time.process_time() - cpu)


def _stream(target: av.container.OutputContainer, job: PeerJob) -> av.VideoStream:
    options = {"preset": job.preset, "crf": str(job.crf)}
    stream = target.add_stream("libx264", rate=job.rate, options=options)
    stream.width, stream.height = job.width * job.scale, job.height * job.scale
    stream.pix_fmt = "yuv420p"
    return stream
