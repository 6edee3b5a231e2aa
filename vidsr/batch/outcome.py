"""The outcomes of a batch: of each input, and counted."""

from __future__ import annotations

import json
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from vidsr.batch.items import Item
from vidsr.option_values import in_words
from vidsr.run.records.record_file import as_record
from vidsr.run.report import Report
from vidsr.terminal.command import Failure


@dataclass(frozen=True)
class Outcome:
    """The end of one input: a report, a failure, or neither where it was skipped."""

    item: Item
    report: Report | None = None
    failure: Failure | None = None

    def facts(self) -> dict[str, Any]:
        """Return what a report of all says of this input."""
        if self.report is not None:
            told: dict[str, Any] = json.loads(self.report.to_json())
            return {"outcome": "done"} | told
        names = {"source": str(self.item.source), "target": str(self.item.target)}
        if self.failure is None:
            return {"outcome": "skipped"} | names
        return {"outcome": "failed"} | names | {"error": asdict(self.failure)}


@dataclass
class Tally:
    """The counts of a batch so far.

    Args:
        kept: Outcomes to keep for a report of all; None keeps every one.
    """

    kept: int | None = None
    done: int = 0
    failed: int = 0
    skipped: int = 0
    frames: int = 0
    video_s: float = 0.0
    output_bytes: int = 0
    begin_s: float = field(default_factory=time.perf_counter)

    def __post_init__(self) -> None:
        self.entries: deque[dict[str, Any]] = deque(maxlen=self.kept)

    @property
    def elapsed_s(self) -> float:
        """Wall seconds since the batch began."""
        return time.perf_counter() - self.begin_s

    def add(self, outcome: Outcome) -> None:
        """Count an outcome, and keep its facts."""
        report = outcome.report
        if report is not None:
            self.done += 1
            self.frames += report.frames
            self.video_s += report.video_s
            self.output_bytes += report.output_bytes
        elif outcome.failure is not None:
            self.failed += 1
        else:
            self.skipped += 1
        self.entries.append(outcome.facts())

    def summary(self, files: int | None = None) -> str:
        """Return one line for people; ``files`` is the number of all, None where there is none."""
        of_all = "" if files is None else f" of {files}"
        word = "file" if (self.done if files is None else files) == 1 else "files"
        parts = [f"{self.done}{of_all} {word} done"]
        parts += [f"{self.skipped} skipped"] if self.skipped else []
        parts += [f"{self.failed} failed"] if self.failed else []
        size = f"{self.output_bytes / 1e6:.1f} MB"
        return f"{', '.join(parts)}; {self.frames} frames, {size} in {in_words(self.elapsed_s)}"

    def record(self, left: Sequence[Item] = ()) -> str:
        """Return the report of all as JSON; ``left`` are inputs whose turn did not come."""
        totals = {
            "done": self.done,
            "failed": self.failed,
            "skipped": self.skipped,
            "not_started": len(left),
            "frames": self.frames,
            "video_s": self.video_s,
            "output_bytes": self.output_bytes,
            "elapsed_s": self.elapsed_s,
        }
        rest = [
            {"outcome": "not started", "source": str(i.source), "target": str(i.target)}
            for i in left
        ]
        return as_record({"totals": totals, "files": [*self.entries, *rest]})
