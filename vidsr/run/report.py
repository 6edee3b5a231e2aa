"""The report of a run, for the summary and for ``--report``; reports of pieces add up."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from vidsr import __version__
from vidsr.picture.coding_record import CodingRecord, CodingSummary
from vidsr.run.records.record_file import platform_name, write_record
from vidsr.run.records.strength_words import strength_words
from vidsr.run.stages.channel import QueueCounts
from vidsr.run.stages.histogram import Histogram
from vidsr.run.stages.pipeline import StageTimes
from vidsr.video.info import SourceCounts

SHOWN_SHARE = 0.995  # of pixels computed: below, the summary says it


@dataclass(frozen=True, kw_only=True)
class Report:
    """One finished run, or several added up.

    Args:
        source: The source as it was named.
        target: The target as it was named.
        model: Name of the model.
        device: Device of the network, such as ``cpu`` or ``cuda:0``.
        precision: Number format of the network's activations.
        engine: Runtime that ran the network last.
        decoder: Decoder of the source: ``cpu`` or ``cuda``.
        strengths: Number of frames by the step of the network that took them: ``0`` is the one for
            clean pictures, the last one that for the hardest coded.
        last_strength: Step of the strongest network that the engine has; 0 where it has one.
        enhance: What each wish of the option ``enhance`` became.
        pixels: Number of source pixels of all frames of which parts may have been reused.
        computed_pixels: Number of those that the network saw; the rest was taken from the frame
            before, where it was the same.
        scale: Factor between the network's input and its output.
        tile: Size that the network saw at once, or ``whole frames``.
        tile_error_levels: Root mean square of what tiles left where they overlap, in levels; 0
            for tiles that equal whole frames, None where it was not measured.
        codec: Codec of the target.
        size: Width and height of the target in pixels, as stored.
        pixel_format: FFmpeg's name of the target's pixel format.
        color: Colour tags of the target, for people.
        frames: Number of frames written.
        elapsed_s: Wall seconds, loading left out; of several runs their sum.
        video_s: Seconds of video written.
        output_bytes: Bytes written.
        stages: Seconds each stage was at work, waiting left out.
        latency_ms: Time of each frame in each stage as percentiles, waiting inside it included.
        queues: Counts of each queue between stages.
        counts: Events while reading the source.
        streams: Every stream of the source with what was done to it.
        notes: Assumptions, drops and switches of the run, as sentences.
        resumed_frames: Number of frames that an earlier run had done.
        version: Version of vidsr.
        platform: System, Python and libraries.
    """

    source: str
    target: str
    model: str
    device: str
    precision: str
    engine: str
    decoder: str
    scale: int
    tile: str
    codec: str
    size: tuple[int, int]
    pixel_format: str
    color: str
    frames: int
    elapsed_s: float
    video_s: float
    output_bytes: int
    stages: StageTimes
    counts: SourceCounts
    streams: tuple[dict[str, Any], ...]
    notes: tuple[str, ...]
    tile_error_levels: float | None = 0.0
    strengths: dict[str, int] = field(default_factory=dict)
    last_strength: int = 0
    enhance: dict[str, str] = field(default_factory=dict)
    pixels: int = 0
    computed_pixels: int = 0
    latency_ms: dict[str, Histogram] = field(default_factory=dict)
    queues: dict[str, QueueCounts] = field(default_factory=dict)
    resumed_frames: int = 0
    version: str = __version__
    platform: str = field(default_factory=platform_name)

    @property
    def fps(self) -> float:
        """Frames a second of wall time, those that were there before left out."""
        return (self.frames - self.resumed_frames) / self.elapsed_s if self.elapsed_s else 0.0

    @property
    def computed_share(self) -> float:
        """Share of the source's pixels that the network saw, 0 to 1."""
        return self.computed_pixels / self.pixels if self.pixels else 1.0

    @property
    def coding_error(self) -> CodingSummary | None:
        """What the source's codec did to its pictures, None where that is not known."""
        return self.counts.coding.summary()

    def to_json(self) -> str:
        """Return the report as a JSON object; latencies as percentiles beside their buckets."""
        plain = asdict(replace(self, latency_ms={}))
        latency_ms = {name: each.summary() for name, each in self.latency_ms.items()}
        coding = self.coding_error and asdict(self.coding_error)
        derived = {
            "latency_ms": latency_ms,
            "fps": self.fps,
            "coding_error": coding,
            "computed_share": round(self.computed_share, 6),
        }
        return json.dumps(plain | derived, indent=2)

    @classmethod
    def from_json(cls, text: str) -> Report:
        """Read what ``to_json`` wrote. Raises ValueError, KeyError, TypeError for anything else."""
        data = json.loads(text)
        for derived in ("fps", "coding_error", "computed_share"):
            data.pop(derived, None)
        data["size"], data["notes"] = tuple(data["size"]), tuple(data["notes"])
        data["streams"] = tuple(data["streams"])
        data["stages"] = StageTimes(**data["stages"])
        coding = CodingRecord.from_json(data["counts"]["coding"])
        data["counts"] = SourceCounts(**data["counts"] | {"coding": coding})
        data["latency_ms"] = {k: Histogram.parse(v) for k, v in data["latency_ms"].items()}
        data["queues"] = {name: QueueCounts(**counts) for name, counts in data["queues"].items()}
        return cls(**data)

    @classmethod
    def merge(cls, reports: Iterable[Report]) -> Report:
        """Return the sum of runs over pieces of one source.

        Frames, bytes, seconds, counts, latencies and queues add up; names that differ between
        runs, such as devices, are listed. ``elapsed_s`` is what all runs took together, side by
        side or not.

        Raises:
            ValueError: There is no report, or they are of different scales, sizes or streams.
        """
        pieces = list(reports)
        if not pieces:
            raise ValueError("expected at least one report, got none")
        for name in ("scale", "size", "streams"):
            if any(getattr(piece, name) != getattr(pieces[0], name) for piece in pieces):
                raise ValueError(f"reports of one run: expected the same {name} in all")
        return replace(pieces[0], **_sums(pieces), **_names(pieces))

    def write(self, path: Path) -> None:
        """Write the report as JSON. Raises OutputError."""
        write_record(str(path), self.to_json())

    def summary(self) -> str:
        """Return one line for people."""
        plural = "" if self.frames == 1 else "s"
        return (
            f"{self.target}: {self.frames} frame{plural} {self.size[0]}x{self.size[1]} in "
            f"{self.elapsed_s:.1f} s{self._speed_words()}, "
            f"{self.output_bytes / 1e6:.1f} MB{self._coding_words()}{self._reuse_words()}"
        )

    def _speed_words(self) -> str:
        """Return the speed of what was computed; that all was done before, where nothing was."""
        if 0 < self.frames <= self.resumed_frames:
            return " (all done before)"
        new = 1 - self.resumed_frames / self.frames if self.frames else 0.0
        speed = f"{new * self.video_s / self.elapsed_s:.2f}x" if self.elapsed_s else "-"
        return f" ({self.fps:.1f} fps, {speed} realtime)"

    def _reuse_words(self) -> str:
        """Return how much was computed, nothing where all was."""
        share = self.computed_share
        return f"; computed {100 * share:.0f} % of the pixels" if share < SHOWN_SHARE else ""

    def _coding_words(self) -> str:
        """Return what the codec did and what was chosen for it, nothing where it is not known."""
        if self.coding_error is None:
            return ""
        strength = strength_words(self.strengths, self.last_strength)
        chosen = f", {strength}" if strength else ""
        return f"; coding: expected error {self.coding_error.median:.1f} levels{chosen}"


def _names(pieces: Sequence[Report]) -> dict[str, Any]:
    """Return the names of all pieces, each distinct one once."""
    names = [each.name for each in fields(Report) if each.type == "str"]
    return {
        name: ", ".join(dict.fromkeys(str(getattr(piece, name)) for piece in pieces))
        for name in names
    }


def _sums(pieces: Sequence[Report]) -> dict[str, Any]:
    stages, counts = StageTimes(), SourceCounts()
    latency_ms: dict[str, Histogram] = {}
    queues: dict[str, QueueCounts] = {}
    strengths: Counter[str] = Counter()
    for piece in pieces:
        stages.merge(piece.stages)
        counts.merge(piece.counts)
        strengths.update(piece.strengths)
        for stage, histogram in piece.latency_ms.items():
            latency_ms.setdefault(stage, Histogram()).merge(histogram)
        for queue, seen in piece.queues.items():
            queues.setdefault(queue, QueueCounts()).merge(seen)
    numbers = ("frames", "elapsed_s", "video_s", "output_bytes", "pixels", "computed_pixels")
    return {name: sum(getattr(piece, name) for piece in pieces) for name in numbers} | {
        "stages": stages,
        "counts": counts,
        "strengths": dict(sorted(strengths.items(), key=lambda entry: int(entry[0]))),
        "last_strength": max(piece.last_strength for piece in pieces),
        "latency_ms": latency_ms,
        "queues": queues,
        "notes": tuple(dict.fromkeys(note for piece in pieces for note in piece.notes)),
    }
