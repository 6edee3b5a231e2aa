"""What was measured, ready for JSON."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from typing import Any

from vidsr.bench.machine import Machine
from vidsr.bench.outcome.stats import Quantiles, Spread

FORMAT = "vidsr-bench 1"


@dataclass(frozen=True)
class Stage:
    """One stage alone; ``none`` says why it does not exist, and then the rest is empty.

    ``fps`` and ``cpu_ms`` (processor milliseconds a frame, of all threads) over repeats, ``ms`` of
    all frames. ``work`` a frame in ``unit``; ``share`` of the machine's ``ceiling``, by medians of
    each repeat.
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
    """``rate`` in ``unit``."""

    name: str
    unit: str
    rate: Spread


@dataclass(frozen=True)
class Setup:
    """What ran."""

    model: str
    scale: int
    device: str
    precision: str
    engine: str
    encoder: str


@dataclass(frozen=True)
class Whole:
    """The command: ``ms`` between delivered frames, ``realtime`` against the source's rate."""

    size: tuple[int, int]
    target_size: tuple[int, int]
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
    """How much of what its parts allow the command reaches.

    ``allowed_fps`` is of the slowest stage; on a processor, whose cores all stages share, also
    what all their processor time allows. ``colour_copies`` is their share of a frame's processor
    time; None on a device, for which the processor only waits.
    """

    allowed_fps: Spread
    of_allowed: Spread
    of_engine: Spread
    colour_copies: Spread | None


@dataclass(frozen=True)
class Against:
    """A peer: ``ratio`` is vidsr's rate over its rate, run by run.

    ``network_ms`` is its network alone, within its loop; ``network_ratio`` its median over that of
    vidsr's network alone, round by round, where stages were measured.
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
    """A size and whether it holds ``rate``; ``fps`` None: not measured, for the reason given."""

    width: int
    height: int
    target_height: int
    rate: float
    fps: Spread | None = None
    reason: str | None = None

    @property
    def realtime(self) -> float | None:
        return self.fps.median / self.rate if self.fps else None

    def sentence(self) -> str:
        """``360p30 -> 720p: yes, 1.20x realtime``."""
        question = f"{self.height}p{self.rate:g} -> {self.target_height}p"
        if self.realtime is None:
            return f"{question}: no, {self.reason}"
        return f"{question}: {'yes' if self.realtime >= 1 else 'no'}, {self.realtime:.2f}x realtime"


@dataclass(frozen=True)
class Result:
    """Everything that one ``vidsr-bench`` measured."""

    command: str
    machine: Machine
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

    def to_json(self) -> str:
        return json.dumps({"format": FORMAT, **_rounded(asdict(self))}, indent=2)


def _rounded(value: Any) -> Any:
    """Four significant digits, as many as such measurements have."""
    if isinstance(value, float):
        return float(f"{value:.4g}")
    if isinstance(value, dict):
        return {name: _rounded(item) for name, item in value.items()}
    return [_rounded(item) for item in value] if isinstance(value, list | tuple) else value
