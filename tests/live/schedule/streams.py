"""Contenders and levels for tests: all that happens to them is counted."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field, replace

from vidsr.live.base.items import Arrival, Result
from vidsr.live.base.states import DropReason
from vidsr.picture.color import ColorSpec
from vidsr.picture.frame import Frame, PixelFormat, VideoFormat

TINY = VideoFormat(16, 16, PixelFormat("gray", 8), ColorSpec())


@dataclass(eq=False)
class Stream:
    """A contender that counts, and sends frames whose planes it wants back."""

    name: str = "door"
    weight: float = 1.0
    deadline_s: float = 0.2
    on_deliver: Callable[[Result], None] = lambda _: None
    delivered: list[int] = field(default_factory=list)
    levels: Counter[str] = field(default_factory=Counter)
    dropped: Counter[DropReason] = field(default_factory=Counter)
    released: Counter[int] = field(default_factory=Counter)
    sent: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def arrival(self) -> Arrival:
        """Return the next frame."""
        number, self.sent = self.sent, self.sent + 1
        frame = Frame((), TINY, pts=number, release=lambda: self._release(number))
        return Arrival(frame, time.monotonic())

    def _release(self, number: int) -> None:
        with self._lock:
            self.released[number] += 1

    def deliver(self, result: Result) -> None:
        with self._lock:
            self.delivered.append(result.frame.pts or 0)
            self.levels[result.level] += 1
        self.on_deliver(result)

    def drop(self, arrival: Arrival, reason: DropReason) -> None:
        assert self.released[arrival.frame.pts or 0] == 1, "planes are released before"
        with self._lock:
            self.dropped[reason] += 1

    @property
    def ended(self) -> int:
        """Frames with an end."""
        with self._lock:
            return len(self.delivered) + sum(self.dropped.values())

    def check(self) -> None:
        """Hold what is true at the end of every stream."""
        assert self.ended == self.sent
        assert self.delivered == sorted(set(self.delivered))
        assert self.released == Counter(range(self.sent)), "planes are released once"


@dataclass(eq=False)
class StubLevel:
    """A level that takes a time, or waits for a gate, and may fail."""

    name: str = "full"
    takes_s: float = 0.0
    side_by_side: int = 1
    gate: threading.Event | None = None
    error: BaseException | None = None
    warm_error: Exception | None = None
    key: Hashable = None
    calls: int = 0
    batches: list[tuple[int, int]] = field(default_factory=list)
    threads: set[str] = field(default_factory=set)

    def warm(self, source: VideoFormat) -> float:
        if self.warm_error is not None:
            raise self.warm_error
        return self.takes_s or 0.0001

    def upscale(self, frame: Frame) -> Frame:
        self.calls += 1
        self.threads.add(threading.current_thread().name)
        if self.gate is not None:
            assert self.gate.wait(60)
        time.sleep(self.takes_s)
        if self.error is not None:
            raise self.error
        return replace(frame, release=lambda: None)

    def batch_key(self, source: VideoFormat) -> Hashable:
        return self.key

    def upscale_batch(self, frames: Sequence[Frame], size: int) -> list[Frame]:
        self.batches.append((len(frames), size))
        return [self.upscale(frame) for frame in frames]

    def close(self) -> None:
        pass


def until(condition: Callable[[], bool], timeout_s: float = 60.0) -> None:
    """Wait until something is so."""
    ends_s = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < ends_s, "waited in vain"
        time.sleep(0.002)
