"""One call for one file."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass, field
from fractions import Fraction
from os import PathLike
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

from vidsr.engines.torch_engine import Precision
from vidsr.errors import OptionError
from vidsr.frame import Frame, VideoFormat
from vidsr.notes import Notes
from vidsr.pipeline import StageTimes, run_pipeline
from vidsr.plan import Size, choose_scale, describe, describe_tile, target_size
from vidsr.report import Report
from vidsr.upscaler import Upscaler, is_family
from vidsr.video.info import SourceInfo
from vidsr.video.preflight import (
    NO_DISPLAY_MATRIX,
    OutputOptions,
    OutputPlan,
    plan_output,
    plan_streams,
)
from vidsr.video.sink import Sink
from vidsr.video.source import Deinterlace, Item, Source
from vidsr.video.target import Target

ModelName = str | PathLike[str]
MAX_SECONDS = 1e9  # thirty years; more overflows the clocks of containers


class Progress(Protocol):
    """What is told while a run goes on; see :class:`vidsr.progress.ProgressBar`."""

    def start(self, info: SourceInfo) -> None: ...
    def frame(self, done: int, output_bytes: int) -> None: ...
    def close(self) -> None: ...


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


def upscale(
    src: str | PathLike[str],
    dst: str | PathLike[str],
    *,
    model: ModelName = "auto",
    scale: int | None = None,
    size: str | tuple[int, int] | None = None,
    height: int | None = None,
    device: str = "auto",
    precision: Precision = "auto",
    tile: tuple[int, int] | None = None,
    max_memory: int | str | None = None,
    start: float | None = None,
    duration: float | None = None,
    deinterlace: Deinterlace = "auto",
    framerate: float | Fraction | None = None,
    codec: str | None = None,
    crf: int | None = None,
    preset: str | None = None,
    pix_fmt: str | None = None,
    drop_incompatible: bool = False,
    overwrite: bool = False,
    progress: Progress | None = None,
) -> Report:
    """Enlarge the video ``src`` into ``dst``; every frame keeps its timestamp.

    ``start`` and ``duration`` are seconds; ``size`` is (width, height) or ``"1920x1080"``.
    The other arguments are those of the command line and of :class:`vidsr.Upscaler`.
    ``dst`` appears only when it is whole. Raises a :class:`vidsr.VidsrError`.
    """
    options = Options(
        model=model,
        scale=scale,
        size=_wanted_size(size, height),
        device=device,
        precision=precision,
        tile=tile,
        max_memory=max_memory,
        start_s=start,
        duration_s=duration,
        deinterlace=deinterlace,
        framerate=None if framerate is None else Fraction(framerate).limit_denominator(100_000),
        output=OutputOptions(
            codec=codec,
            crf=crf,
            preset=preset,
            pix_fmt=pix_fmt,
            drop_incompatible=drop_incompatible,
            overwrite=overwrite,
        ),
    )
    return run(Path(src), Path(dst), options, progress=progress)


def _wanted_size(size: str | tuple[int, int] | None, height: int | None) -> Size | None:
    if size is not None and height is not None:
        raise OptionError("size and height are given both; allowed is one of them.")
    if height is not None:
        return Size(None, height)
    if size is None:
        return None
    return Size.parse(size) if isinstance(size, str) else Size(*size)


def run(src: Path, dst: Path, options: Options, *, progress: Progress | None = None) -> Report:
    """:func:`upscale` with its arguments gathered. Raises a VidsrError."""
    begin, notes = time.perf_counter(), Notes()
    with prepare(src, dst, options, notes) as job:
        _announce(job, options, notes)
        frames, times, output_bytes = _encode(job, notes, progress)
    return _report(job, notes, times, frames, output_bytes, time.perf_counter() - begin)


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


def _announce(job: Job, options: Options, notes: Notes) -> None:
    if is_family(options.model):
        engine = job.upscaler.engine
        precision = str(engine.dtype).removeprefix("torch.")
        notes.say(f"model {job.upscaler.model.name} on {engine.device} in {precision}")


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


def _encode(job: Job, notes: Notes, progress: Progress | None) -> tuple[int, StageTimes, int]:
    """Run the pipeline. Returns frames written, stage times and the target's size in bytes."""
    sink: Sink | None = None

    def transform(item: Item) -> Item:
        if isinstance(item, Frame):
            return job.upscaler.enlarge(item, job.output.format)
        return item

    def consume(item: Item) -> None:
        assert sink is not None
        if not isinstance(item, Frame):
            sink.copy(item)
            return
        sink.write(item)
        if progress is not None:
            progress.frame(sink.frames, sink.bytes_written)

    try:
        sink = Sink(job.output, job.source, notes)
        if progress is not None:
            progress.start(job.source.info)
        times = run_pipeline(
            job.source, transform, consume, weigh=lambda item: isinstance(item, Frame)
        )
        sink.finish()
    except BaseException:  # Ctrl-C too, wherever it strikes: nothing unfinished may stay
        if sink is not None:
            sink.abort()
        job.output.target.discard()
        raise
    finally:
        if progress is not None:
            progress.close()
    return sink.frames, times, sink.bytes_written


def _report(
    job: Job, notes: Notes, times: StageTimes, frames: int, output_bytes: int, elapsed_s: float
) -> Report:
    output, upscaler, source = job.output, job.upscaler, job.source
    layout = output.format
    return Report(
        source=str(source.path),
        target=str(output.target.path),
        model=upscaler.model.name,
        device=str(upscaler.engine.device),
        precision=str(upscaler.engine.dtype).removeprefix("torch."),
        scale=upscaler.scale,
        tile=describe_tile(upscaler.plan(source.info.format, layout)),
        codec=output.codec.name,
        size=(layout.width, layout.height),
        pixel_format=output.encoder_format,
        color=layout.color.describe(),
        frames=frames,
        elapsed_s=elapsed_s,
        video_s=float(frames / source.info.rate),
        output_bytes=output_bytes,
        stages=times,
        counts=source.counts,
        streams=tuple(asdict(stream) for stream in output.streams),
        notes=notes.said,
    )
