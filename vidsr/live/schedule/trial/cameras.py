"""Simulated cameras on this machine: frames that come at a pace, through a scheduler, to nobody."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from itertools import cycle, islice

from vidsr.live.base.items import CLOCK_HZ, Arrival, Result
from vidsr.live.base.options import QualityOptions
from vidsr.live.base.states import DropReason
from vidsr.live.schedule.levels.levels import Levels
from vidsr.live.schedule.levels.model_store import ModelStore
from vidsr.live.schedule.scheduler import Scheduler, Usage
from vidsr.picture.frame import Frame, VideoFormat

WARM_S = 60.0  # longest wait until all levels are warm
DRAIN_S = 10.0  # longest wait for the last frames


@dataclass(eq=False)
class Camera:
    """A camera, which takes its own frames back and counts them."""

    name: str
    levels: Levels
    weight: float = 1.0
    deadline_s: float = 0.2
    sent: int = 0
    shown: Counter[str] = field(default_factory=Counter)
    dropped: Counter[DropReason] = field(default_factory=Counter)
    latencies_s: list[float] = field(default_factory=list)
    late: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def deliver(self, result: Result) -> None:
        """Count a frame and let it go."""
        latency_s = time.monotonic() - result.arrival.arrived_s
        result.frame.release()
        with self._lock:
            self.shown[result.level] += 1
            self.latencies_s.append(latency_s)
            self.late += latency_s > self.deadline_s

    def drop(self, arrival: Arrival, reason: DropReason) -> None:
        """Count a frame that is not shown."""
        with self._lock:
            self.dropped[reason] += 1

    @property
    def ended(self) -> int:
        """Frames that were shown or dropped."""
        with self._lock:
            return len(self.latencies_s) + sum(self.dropped.values())


@dataclass(frozen=True)
class Trial:
    """What cameras did together, and the workers that they shared."""

    cameras: tuple[Camera, ...]
    usage: Usage
    seconds: float


def run_cameras(
    pictures: Sequence[Frame],
    count: int,
    rate: float,
    frames: int,
    quality: QualityOptions,
    *,
    device: str = "auto",
    workers: int | None = None,
) -> Trial:
    """Send ``frames`` frames of each of ``count`` cameras through a scheduler, at their pace.

    Their clocks are spread over the interval between two frames, and each begins at another
    picture. Nothing is decoded or encoded.

    Args:
        pictures: Frames of one format, sent again and again.
        count: Number of cameras, 1 or more.
        rate: Frames a second of each.
        frames: Frames of each.
        quality: Options of all.
        device: Device of the models.
        workers: As in ``Scheduler``.

    Raises:
        VidsrError: A model cannot be loaded, or does not run.
    """
    store = ModelStore()
    cameras: list[Camera] = []
    try:
        for number in range(count):
            levels = Levels.of(quality, store, device=device)
            camera = Camera(f"camera {number + 1}", levels, quality.weight, quality.deadline_s)
            cameras.append(camera)
        with Scheduler(workers) as scheduler:
            _join(scheduler, cameras, pictures[0].format, quality, rate)
            began_s = time.monotonic()
            _send(scheduler, cameras, pictures, rate, frames)
            _until(lambda: all(camera.ended == camera.sent for camera in cameras), DRAIN_S)
            return Trial(tuple(cameras), scheduler.usage(), time.monotonic() - began_s)
    finally:
        for camera in cameras:
            camera.levels.close()


def _join(
    scheduler: Scheduler,
    cameras: Sequence[Camera],
    source: VideoFormat,
    quality: QualityOptions,
    rate: float,
) -> None:
    """Have all cameras join, and wait until all their levels are warm."""
    for camera in cameras:
        scheduler.join(camera, camera.levels.levels, source, late=quality.late, rate=rate)
    _until(lambda: all(scheduler.is_warm(camera) for camera in cameras), WARM_S)


def _send(
    scheduler: Scheduler,
    cameras: Sequence[Camera],
    pictures: Sequence[Frame],
    rate: float,
    frames: int,
) -> None:
    feeds = [
        islice(cycle(pictures), number % len(pictures), None) for number in range(len(cameras))
    ]
    began_s = time.monotonic()
    for index in range(frames * len(cameras)):
        due_s = began_s + index / (rate * len(cameras))
        time.sleep(max(0.0, due_s - time.monotonic()))
        number = index % len(cameras)
        picture = next(feeds[number])
        camera = cameras[number]
        pts = round(camera.sent * CLOCK_HZ / rate)
        camera.sent += 1
        scheduler.submit(camera, Arrival(replace(picture, pts=pts), time.monotonic()))


def _until(condition: Callable[[], bool], timeout_s: float) -> None:
    ends_s = time.monotonic() + timeout_s
    while not condition() and time.monotonic() < ends_s:
        time.sleep(0.01)
