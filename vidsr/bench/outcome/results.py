"""Results of measuring, ready for JSON."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, fields, is_dataclass
from typing import Any

from vidsr.bench.machine import Host
from vidsr.bench.outcome.stats import Quantiles, Spread
from vidsr.picture.size import Size

FORMAT = "vidsr-bench 1"


@dataclass(frozen=True)
class Stage:
    """One stage alone; if ``none`` says why it does not exist, the rest is empty.

    Attributes:
        name: Name of the stage.
        none: Reason why there is no such stage.
        fps: Frames a second, over repeats.
        ms: Milliseconds of all frames.
        cpu_ms: CPU milliseconds a frame, of all threads, over repeats.
        work: Work a frame, in ``unit``.
        unit: Unit of the work.
        ceiling: Name of the ceiling that bounds the stage.
        share: Share of the ceiling, by medians of each repeat.
    """

    name: str
    none: str | None = None
    fps: Spread | None = None
    ms: Quantiles | None = None
    cpu_ms: Spread | None = None
    work: float | None = None
    unit: str | None = None
    ceiling: str | None = None
    share: Spread | None = None


@dataclass(frozen=True)
class Ceiling:
    """Ceiling of the machine: ``rate`` in ``unit``."""

    name: str
    unit: str
    rate: Spread


@dataclass(frozen=True)
class Setup:
    """Setup that ran: model, scale, device, precision, engine and encoder."""

    model: str
    scale: int
    device: str
    precision: str
    engine: str
    encoder: str


@dataclass(frozen=True)
class Whole:
    """Whole command: ``ms`` between delivered frames, ``realtime`` against the source's rate."""

    size: Size
    target_size: Size
    rate: float
    fps: Spread
    ms: Quantiles
    realtime: Spread
    cpu_ms: Spread
    peak_rss_mib: float
    device_mib: float | None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Efficiency:
    """Share of what its parts allow that the command reaches.

    ``allowed_fps`` is of the slowest stage; on a CPU, whose cores all stages share, also what all
    their CPU time allows. ``colour_copies`` is their share of a frame's CPU time; None on a device,
    for which the CPU only waits.
    """

    allowed_fps: Spread
    of_allowed: Spread
    of_engine: Spread
    colour_copies: Spread | None


@dataclass(frozen=True)
class Against:
    """Comparison with a peer: ``ratio`` is vidsr's rate over its rate, run by run.

    ``network_ms`` is its network alone, within its loop; ``network_ratio`` its median over that of
    vidsr's network alone, round by round, if stages were measured.
    """

    name: str
    what: str
    absent: str | None = None
    fps: Spread | None = None
    ratio: Spread | None = None
    cpu_ms: Spread | None = None
    network_ms: Quantiles | None = None
    network_ratio: Spread | None = None
    note: str | None = None
    versions: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Rung:
    """Size that holds ``rate`` or does not; ``fps`` None: not measured, for the reason given."""

    width: int
    height: int
    target_height: int
    rate: float
    fps: Spread | None = None
    reason: str | None = None

    @property
    def realtime(self) -> float | None:
        """Return the rate reached over the one that was asked for."""
        return self.fps.median / self.rate if self.fps else None

    def sentence(self) -> str:
        """Return a sentence such as ``360p30 -> 720p: yes, 1.20x realtime``."""
        question = f"{self.height}p{self.rate:g} -> {self.target_height}p"
        if self.realtime is None:
            return f"{question}: no, {self.reason}"
        return f"{question}: {'yes' if self.realtime >= 1 else 'no'}, {self.realtime:.2f}x realtime"


@dataclass(frozen=True)
class Cameras:
    """Simulated cameras that shared the device.

    Attributes:
        streams: Number of cameras.
        size: Size of their pictures.
        rate: Frames a second of each.
        seconds: Length of the run.
        received: Frames that were sent.
        levels: Levels of the ladder, from best to fastest.
        shown: Frames that came out, by level.
        dropped: Frames that did not, by reason.
        late: Frames that came out after their deadline.
        latency_ms: Time from sending to coming out; None where nothing came out.
        longest_ms: The longest.
        fewest: Shown frames of the camera with the fewest.
        most: Shown frames of the camera with the most.
        workers: Frames, or batches, at once.
        busy: Share of the time that the workers were at work.
        cpu_ms: CPU milliseconds a frame, of all threads.
        peak_rss_mib: Peak of the process's memory.
    """

    streams: int
    size: Size
    rate: float
    seconds: float
    received: int
    levels: tuple[str, ...]
    shown: dict[str, int]
    dropped: dict[str, int]
    late: int
    latency_ms: Quantiles | None
    longest_ms: float | None
    fewest: int
    most: int
    workers: int
    busy: float
    cpu_ms: float
    peak_rss_mib: float


@dataclass(frozen=True)
class Result:
    """Result of one ``vidsr-bench``: everything that it measured."""

    command: str
    machine: Host
    frames: int
    repeats: int
    setup: Setup | None = None
    source: str | None = None
    ceilings: tuple[Ceiling, ...] = ()
    stages: tuple[Stage, ...] = ()
    whole: Whole | None = None
    efficiency: Efficiency | None = None
    limit: str | None = None
    against: tuple[Against, ...] = ()
    ladder: tuple[Rung, ...] = ()
    largest: Rung | None = None
    cameras: Cameras | None = None

    def to_json(self) -> str:
        return json.dumps({"format": FORMAT, **_plain(self)}, indent=2)


def _plain(value: Any) -> Any:
    """Return ``value`` in types of JSON: a size as [width, height], floats rounded.

    Four digits are significant in such measurements.
    """
    if isinstance(value, Size):
        return [value.width, value.height]
    if is_dataclass(value):
        return {each.name: _plain(getattr(value, each.name)) for each in fields(value)}
    if isinstance(value, float):
        return float(f"{value:.4g}")
    if isinstance(value, dict):
        return {name: _plain(item) for name, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, list | tuple) else value
