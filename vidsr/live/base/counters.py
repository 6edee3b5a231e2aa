"""Counters of one stream: every received frame ends in exactly one of them."""

from __future__ import annotations

import threading
from bisect import bisect_left
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from vidsr.live.base.states import DropReason, FailureReason, Filler

Stage = Literal["decode", "wait", "upscale", "encode", "send"]
# Upper bounds in seconds; one bucket more holds what is longer.
BOUNDS_S = (0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.15, 0.2, 0.3, 0.5, 1.0, 2.0, 5.0)


@dataclass(frozen=True)
class Histogram:
    """Durations by bucket: ``buckets[i]`` of them were at most ``BOUNDS_S[i]`` (not cumulative)."""

    buckets: tuple[int, ...] = (0,) * (len(BOUNDS_S) + 1)
    sum_s: float = 0.0

    @property
    def count(self) -> int:
        """The number of durations."""
        return sum(self.buckets)


@dataclass(frozen=True)
class Tally:
    """A stream's counters at one moment.

    Received frames are those shown, those dropped and those in flight: see ``in_flight``.
    """

    received: int = 0
    shown: Mapping[str, int] = field(default_factory=dict)
    fillers: Mapping[Filler, int] = field(default_factory=dict)
    dropped: Mapping[DropReason, int] = field(default_factory=dict)
    deadline_missed: int = 0
    level_changes: Mapping[Literal["down", "up"], int] = field(default_factory=dict)
    tiles_computed: int = 0
    tiles_reused: int = 0
    received_bytes: int = 0
    corrupt_packets: int = 0
    connects: int = 0
    failures: Mapping[FailureReason, int] = field(default_factory=dict)
    sent_bytes: Mapping[str, int] = field(default_factory=dict)
    sink_dropped: Mapping[str, int] = field(default_factory=dict)
    sink_restarts: Mapping[str, int] = field(default_factory=dict)
    latency: Histogram = field(default_factory=Histogram)
    source_age: Histogram = field(default_factory=Histogram)
    stages: Mapping[Stage, Histogram] = field(default_factory=dict)

    @property
    def in_flight(self) -> int:
        """Frames that were received and are neither shown nor dropped yet."""
        return self.received - sum(self.shown.values()) - sum(self.dropped.values())


class _Durations:
    def __init__(self) -> None:
        self.buckets = [0] * (len(BOUNDS_S) + 1)
        self.sum_s = 0.0

    def add(self, seconds: float) -> None:
        self.buckets[bisect_left(BOUNDS_S, seconds)] += 1
        self.sum_s += seconds

    def freeze(self) -> Histogram:
        return Histogram(tuple(self.buckets), self.sum_s)


class Counters:
    """Counters that grow, for use by all threads of a stream; ``tally`` freezes them."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._one: Counter[str] = Counter()
        self._shown: Counter[str] = Counter()
        self._fillers: Counter[Filler] = Counter()
        self._dropped: Counter[DropReason] = Counter()
        self._failures: Counter[FailureReason] = Counter()
        self._changes: Counter[Literal["down", "up"]] = Counter()
        self._sent: Counter[str] = Counter()
        self._sink_dropped: Counter[str] = Counter()
        self._restarts: Counter[str] = Counter()
        self._latency, self._age = _Durations(), _Durations()
        self._stages: dict[Stage, _Durations] = {}

    def received(self, count: int = 1) -> None:
        """Count frames that came out of a decoder, or were lost in it."""
        self._add("received", count)

    def shown(self, level: str, latency_s: float, *, missed: bool) -> None:
        """Count a frame that was handed on, ``latency_s`` seconds after it had arrived."""
        with self._lock:
            self._shown[level] += 1
            self._latency.add(latency_s)
            self._one["deadline_missed"] += missed

    def filled(self, kind: Filler) -> None:
        """Count a picture that was shown without a new frame."""
        with self._lock:
            self._fillers[kind] += 1

    def dropped(self, reason: DropReason, count: int = 1) -> None:
        """Count received frames that will not be shown."""
        with self._lock:
            self._dropped[reason] += count

    def level_changed(self, direction: Literal["down", "up"]) -> None:
        """Count a change of the ladder's level."""
        with self._lock:
            self._changes[direction] += 1

    def tiles(self, computed: int, reused: int) -> None:
        """Count tiles of a frame."""
        with self._lock:
            self._one["tiles_computed"] += computed
            self._one["tiles_reused"] += reused

    def received_bytes(self, size: int) -> None:
        """Count bytes of a source's packets."""
        self._add("received_bytes", size)

    def corrupt_packet(self) -> None:
        """Count a packet that the demuxer or the decoder called damaged."""
        self._add("corrupt_packets", 1)

    def connected(self) -> None:
        """Count a connection that brought a frame."""
        self._add("connects", 1)

    def failed(self, reason: FailureReason) -> None:
        """Count a connection that ended, or never came to be."""
        with self._lock:
            self._failures[reason] += 1

    def sent(self, sink: str, size: int) -> None:
        """Count bytes that a sink has passed on."""
        with self._lock:
            self._sent[sink] += size

    def sink_dropped(self, sink: str, packets: int) -> None:
        """Count packets of video that a sink did not pass on."""
        with self._lock:
            self._sink_dropped[sink] += packets

    def sink_restarted(self, sink: str) -> None:
        """Count a sink that was begun again."""
        with self._lock:
            self._restarts[sink] += 1

    def took(self, stage: Stage, seconds: float) -> None:
        """Note how long a frame was in a stage."""
        with self._lock:
            self._stages.setdefault(stage, _Durations()).add(seconds)

    def age(self, seconds: float) -> None:
        """Note a frame's age since the camera, by the camera's clock."""
        with self._lock:
            self._age.add(seconds)

    def tally(self) -> Tally:
        """Return all counters as they are at this moment."""
        with self._lock:
            return Tally(
                **{name: self._one[name] for name in _ONES},
                shown=dict(self._shown),
                fillers=dict(self._fillers),
                dropped=dict(self._dropped),
                level_changes=dict(self._changes),
                failures=dict(self._failures),
                sent_bytes=dict(self._sent),
                sink_dropped=dict(self._sink_dropped),
                sink_restarts=dict(self._restarts),
                latency=self._latency.freeze(),
                source_age=self._age.freeze(),
                stages={name: one.freeze() for name, one in self._stages.items()},
            )

    def _add(self, name: str, count: int) -> None:
        with self._lock:
            self._one[name] += count


_ONES = (
    "received",
    "deadline_missed",
    "tiles_computed",
    "tiles_reused",
    "received_bytes",
    "corrupt_packets",
    "connects",
)
