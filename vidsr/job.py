"""A run before it starts: every choice gathered, checked and planned, and nothing written."""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from os import PathLike
from pathlib import Path
from types import TracebackType
from typing import Self

from vidsr.engines.torch_engine import Precision
from vidsr.errors import OptionError
from vidsr.frame import VideoFormat
from vidsr.notes import Notes
from vidsr.plan import Size, choose_scale, describe, target_size
from vidsr.upscaler import Upscaler, is_family
from vidsr.video.preflight import (
    NO_DISPLAY_MATRIX,
    OutputOptions,
    OutputPlan,
    plan_output,
    plan_streams,
)
from vidsr.video.source import Deinterlace, Source
from vidsr.video.target import Target

ModelName = str | PathLike[str]
MAX_SECONDS = 1e9  # thirty years; more overflows the clocks of containers


@dataclass(frozen=True, kw_only=True)
class Options:
    """Every choice of a run but source and target; the defaults keep what the source is."""

    model: ModelName = "auto"
    scale: int | None = None
    size: Size | None = None
    device: str = "auto"
    precision: Precision = "auto"
    tile: tuple[int, int] | None = None
    max_memory: int | str | None = None
    start_s: float | None = None
    duration_s: float | None = None
    deinterlace: Deinterlace = "auto"
    framerate: Fraction | None = None
    output: OutputOptions = field(default_factory=OutputOptions)


@dataclass(frozen=True)
class Job:
    """A source opened, a model loaded, a target planned, and nothing written yet."""

    source: Source
    output: OutputPlan
    upscaler: Upscaler

    def describe(self) -> list[str]:
        """The plan for people, a line a fact."""
        return describe(self.source.info, self.output, self.upscaler)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.source.close()


def prepare(src: Path, dst: Path, options: Options, notes: Notes) -> Job:
    """Open, check and plan, cheap checks first. The caller closes the job. Raises a VidsrError."""
    check_times(options)
    target = Target.of(dst)
    target.check(src, overwrite=options.output.overwrite)
    source = Source(
        src,
        start_s=options.start_s,
        duration_s=options.duration_s,
        deinterlace=options.deinterlace,
        framerate=options.framerate,
        upright=target.container in NO_DISPLAY_MATRIX,
        notes=notes,
    )
    try:
        layout = source.info.format
        streams = plan_streams(source, target, options.output, notes)
        upscaler = _upscaler(options, layout)
        size = target_size(options.size, layout, upscaler.scale)
        output = plan_output(source.info, target, streams, size, options.output, notes)
        upscaler.plan(layout, output.format)
    except BaseException:
        source.close()
        raise
    return Job(source, output, upscaler)


def check_times(options: Options) -> None:
    """Raises OptionError for a start or a duration that cannot be."""
    if options.start_s is not None and not 0 <= options.start_s < MAX_SECONDS:
        raise OptionError(f"--start {options.start_s:g}: allowed is 0 or more seconds.")
    if options.duration_s is not None and not 0 < options.duration_s < MAX_SECONDS:
        raise OptionError(f"--duration {options.duration_s:g}: allowed is more than 0 seconds.")
    if options.framerate is not None and not 0 < options.framerate <= 1000:
        raise OptionError(f"--framerate {options.framerate}: allowed is more than 0, up to 1000.")


def _upscaler(options: Options, layout: VideoFormat) -> Upscaler:
    scale = options.scale
    if is_family(options.model):
        scale = choose_scale(options.size, layout, scale)
    return Upscaler(
        options.model,
        scale=scale,
        device=options.device,
        precision=options.precision,
        tile=options.tile,
        max_memory=options.max_memory,
    )
