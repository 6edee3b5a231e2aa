"""A run decided: the facts of its source, of its target and of what computes between them."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

from vidsr.picture.coding_record import CodingSummary
from vidsr.run.records.enhance_words import meanings
from vidsr.run.spec import JobSpec
from vidsr.video.info import SourceInfo
from vidsr.video.sink.output_plan import OutputPlan


@dataclass(frozen=True)
class JobPlan:
    """Every decision of a run, as facts that can be pickled; nothing is open.

    Args:
        spec: What was asked for.
        info: The video of the source, as its first frame shows it.
        output: The target and how it is encoded.
        model: The name of the model.
        scale: How many times wider and higher its result is.
        device: Where it runs, as PyTorch names it.
        precision: The type of its numbers.
        lines: The plan for people, a fact a line.
        notes: What was assumed and left out while it was made.
        coding_error: What the source's codec did to its first frames; None where that is not known.
        strengths: Number of those frames by the step of the network that takes them.
        last_strength: Step of the strongest network that the engine has; 0 where it has one.
        process_bytes: Peak of the process that runs it here, about; None where that is unknown.
    """

    spec: JobSpec
    info: SourceInfo
    output: OutputPlan
    model: str
    scale: int
    device: str
    precision: str
    lines: tuple[str, ...]
    notes: tuple[str, ...]
    coding_error: CodingSummary | None = None
    strengths: dict[str, int] = field(default_factory=dict)
    last_strength: int = 0
    process_bytes: int | None = None

    def facts(self) -> dict[str, Any]:
        """Return the plan as data that JSON holds, names without their secrets."""
        info, output = self.info, self.output
        return {
            "source": info.path,
            "target": str(output.target.locator),
            "container": output.target.container,
            "codec": output.codec.name,
            "encoder_options": output.options,
            "pixel_format": output.encoder_format,
            "size": [output.format.width, output.format.height],
            "color": output.format.color.describe(),
            "time_base": str(output.time_base),
            "rate": str(output.rate),
            "frames": info.frames,
            "frames_about": info.frames_about,
            "duration_s": info.duration_s,
            "coding_error": self.coding_error and asdict(self.coding_error),
            "strengths": self.strengths,
            "last_strength": self.last_strength,
            "enhance": meanings(self.spec.options.enhance),
            "model": self.model,
            "scale": self.scale,
            "device": self.device,
            "precision": self.precision,
            "streams": [asdict(stream) for stream in output.streams],
            "notes": list(self.notes),
            "process_bytes": self.process_bytes,
        }
