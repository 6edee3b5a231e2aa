"""Streams that nobody runs: statuses that tests set, and pictures that tests push."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

import torch

from vidsr.live.base.counters import BOUNDS_S, Histogram, Tally
from vidsr.live.base.status import (
    DeviceStatus,
    PicturePair,
    ServiceStatus,
    SinkStatus,
    StreamStatus,
)
from vidsr.picture.color import ColorSpec
from vidsr.picture.frame import Frame, PixelFormat, VideoFormat

PASSWORD = "hunter2-geheim"


def picture(width: int, height: int, level: int = 128) -> Frame:
    """Return a grey picture."""
    layout = VideoFormat(width, height, PixelFormat("yuv", 8, (2, 2)), ColorSpec(matrix=6, range=1))
    luma, *chroma = (torch.full(size, 128, dtype=torch.uint8) for size in layout.plane_sizes)
    return Frame((torch.full_like(luma, level), *chroma), layout)


def pair(number: int, level: int = 128) -> PicturePair:
    """Return a source of 160x90 and an output of twice that."""
    return PicturePair(number, picture(320, 180, level), picture(160, 90, level), "lite-x2")


def durations(**places: int) -> Histogram:
    """Return a histogram with counts by the number of the bucket: ``b3=7``."""
    buckets = [0] * (len(BOUNDS_S) + 1)
    for name, number in places.items():
        buckets[int(name[1:])] = number
    return Histogram(tuple(buckets), 0.03 * sum(buckets))


TALLY = Tally(
    received=1000,
    shown={"lite-x2": 900, "bicubic": 50},
    fillers={"repeat": 4},
    dropped={"late": 30, "superseded": 18},
    deadline_missed=3,
    level_changes={"down": 2, "up": 1},
    tiles_computed=700,
    tiles_reused=2300,
    received_bytes=123_456,
    corrupt_packets=1,
    connects=2,
    failures={"stall": 1},
    sent_bytes={"rtsp://127.0.0.1:8575/record": 999},
    sink_dropped={"rtsp://127.0.0.1:8575/record": 5},
    sink_restarts={"rtsp://127.0.0.1:8575/record": 1},
    latency=durations(b1=400, b3=500, b14=50),
    stages={"upscale": durations(b2=950)},
)


def status(name: str, **changes: object) -> StreamStatus:
    """Return a stream that runs, with changes."""
    now_s = time.time()
    plain = StreamStatus(
        name=name,
        state="running",
        since_s=now_s - 200,
        started_s=now_s - 300,
        source=f"rtsp://127.0.0.1:8554/{name}",
        source_kind="rtsp",
        model="lite-x2",
        levels=("lite-x2", "lite-fast-x2", "bicubic"),
        level="lite-x2",
        sinks=(
            SinkStatus("rtsp://127.0.0.1:8575/record", "rtsp", "running", now_s - 100),
            SinkStatus("hls:/var/lib/vidsr/door", "hls", "running", now_s - 100),
        ),
        connection=1,
        size_in=(160, 90),
        size_out=(320, 180),
        rate=25.0,
        fps_in=25.0,
        fps_out=24.6,
        latency_p50_s=0.0312,
        latency_p95_s=0.0581,
        last_frame_s=now_s,
        queued={"upscale": 1},
        tally=TALLY,
    )
    return replace(plain, **changes)  # type: ignore[arg-type]


@dataclass
class FakeWatch:
    """A hold on pictures, which the view counts."""

    newest_of: Callable[[], PicturePair | None]
    closed: Callable[[], None]
    is_open: bool = True

    def newest(self) -> PicturePair | None:
        return self.newest_of() if self.is_open else None

    def close(self) -> None:
        if self.is_open:
            self.is_open = False
            self.closed()


@dataclass
class FakeView:
    """Streams by name; pictures are those that were pushed last."""

    streams: dict[str, StreamStatus] = field(default_factory=dict)
    pictures: dict[str, PicturePair] = field(default_factory=dict)
    ticked_s: float = 0.1
    watching: dict[str, int] = field(default_factory=dict)
    devices: tuple[DeviceStatus, ...] = (DeviceStatus("cpu", 12.5, 2, {1: 90, 4: 10}),)
    started_s: float = field(default_factory=time.time)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @classmethod
    def of(cls, *names: str, pictures: Mapping[str, PicturePair] | None = None) -> FakeView:
        """Return a view of running streams."""
        return cls({name: status(name) for name in names}, dict(pictures or {}))

    def push(self, name: str, pictures: PicturePair) -> None:
        """Show a pair."""
        self.pictures[name] = pictures

    def names(self) -> tuple[str, ...]:
        return tuple(self.streams)

    def status(self, name: str) -> StreamStatus | None:
        return self.streams.get(name)

    def service(self) -> ServiceStatus:
        return ServiceStatus("0.1.0", self.started_s, self.ticked_s, 0.02, self.devices)

    def watch(self, name: str) -> FakeWatch | None:
        if name not in self.streams:
            return None
        self._count(name, 1)
        return FakeWatch(lambda: self.pictures.get(name), lambda: self._count(name, -1))

    def _count(self, name: str, change: int) -> None:
        with self._lock:
            self.watching[name] = self.watching.get(name, 0) + change
