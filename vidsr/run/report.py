"""What a run did, for the summary and for ``--report``."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from vidsr.errors import OutputError
from vidsr.run.pipeline import StageTimes
from vidsr.video.info import SourceCounts


@dataclass(frozen=True, kw_only=True)
class Report:
    """One finished run. Times are seconds, loading left out; ``stages`` leaves waiting out, too."""

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

    @property
    def fps(self) -> float:
        return self.frames / self.elapsed_s if self.elapsed_s else 0.0

    def to_json(self) -> str:
        return json.dumps(asdict(self) | {"fps": self.fps}, indent=2)

    def write(self, path: Path) -> None:
        """Raises OutputError."""
        try:
            path.write_text(self.to_json() + "\n", encoding="utf-8")
        except OSError as error:
            raise OutputError(f"{path}: the report cannot be written: {error.strerror}") from error

    def summary(self) -> str:
        """One line for people."""
        speed = f"{self.video_s / self.elapsed_s:.2f}x" if self.elapsed_s else "-"
        return (
            f"{self.target}: {self.frames} frames {self.size[0]}x{self.size[1]} in "
            f"{self.elapsed_s:.1f} s ({self.fps:.1f} fps, {speed} realtime), "
            f"{self.output_bytes / 1e6:.1f} MB"
        )
