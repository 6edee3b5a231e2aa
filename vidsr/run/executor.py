"""Executors of runs: here, one after the other; elsewhere, whatever takes a run as data."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from dataclasses import asdict, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Protocol

from vidsr.notes import Notes, SilentNotes
from vidsr.picture.size import Size
from vidsr.run.forecast import Forecast, announce
from vidsr.run.job import OWN, Engines, Job, open_job
from vidsr.run.loop import Finished, upscale_job
from vidsr.run.media_kinds import FILES, Openers
from vidsr.run.options import RunOptions
from vidsr.run.piece_run import kept_in_pieces
from vidsr.run.plan import JobPlan
from vidsr.run.records.enhance_words import meanings
from vidsr.run.report import Report
from vidsr.run.sizing import describe_tile, tile_error_levels
from vidsr.run.spec import JobSpec
from vidsr.run.stages.channel import WhenFull
from vidsr.run.stages.pipeline import StageTimes
from vidsr.video.locator import Locator
from vidsr.video.pieces.frame_log import Origin
from vidsr.video.progress import CallProgress, Progress, ProgressCall, receiver_of


class Executor(Protocol):
    """The protocol of executors: run a spec to its end, here or elsewhere, and report."""

    def run(self, spec: JobSpec) -> Report:
        """Execute one run. Raises a VidsrError."""
        ...

    def map(self, specs: Iterable[JobSpec]) -> Iterator[Report]:
        """Execute several, in any order or side by side; reports come in the order of specs."""
        ...


class LocalExecutor:
    """The executor in this process: one run after the other.

    Args:
        openers: The kinds of sources and sinks there are.
        progress: A receiver of progress, or a function, called after every frame.
        when_full: What a source does that is ahead of the network: it waits, as files do, or a
            frame is dropped and counted, for sources that cannot wait.
        engines: The giver of models that are loaded already.
    """

    def __init__(
        self,
        openers: Openers = FILES,
        progress: Progress | ProgressCall | None = None,
        *,
        when_full: WhenFull = "wait",
        engines: Engines = OWN,
    ) -> None:
        self._progress, self._engines = receiver_of(progress), engines
        self._openers, self._when_full = openers, when_full

    def run(self, spec: JobSpec | JobPlan) -> Report:
        """Execute a run that was asked for or planned. Raises a VidsrError."""
        notes = Notes()
        with open_job(spec, notes, self._openers, self._engines) as job:
            options = spec.options if isinstance(spec, JobSpec) else spec.spec.options
            announce_run(job, options, notes)
            wanted = spec if isinstance(spec, JobSpec) else spec.spec
            with kept_in_pieces(job, wanted, notes) as (kept, done):
                progress = Forecast(self._progress, notes)
                finished = upscale_job(kept, notes, progress, when_full=self._when_full)
        report = report_of(kept, finished, notes)
        report = replace(report, resumed_frames=done.frames, enhance=meanings(options.enhance))
        return with_strengths(report, done.origin)

    def map(self, specs: Iterable[JobSpec]) -> Iterator[Report]:
        """Execute one after the other, each when its report is asked for."""
        return map(self.run, specs)


class _Enough(Exception):
    """End of a measurement."""


def estimate_s(spec: JobSpec, measured_s: float = 3.0) -> float | None:
    """Return about how many seconds a run takes, from its first few seconds beside the target.

    All of it is done, decoder and encoder included, in a temporary folder; nothing stays. Where the
    run ends meanwhile, that is how long it takes.

    Args:
        spec: The run.
        measured_s: How long to measure, in seconds after the first frame.

    Returns:
        Seconds; None where the source does not say how many frames it has.

    Raises:
        VidsrError: The run fails.
    """
    notes, moments = SilentNotes(), list[float]()

    def note(done: int, total: int | None) -> None:
        moments.append(time.perf_counter())
        if len(moments) > 2 and moments[-1] - moments[0] > measured_s:
            raise _Enough

    with TemporaryDirectory(prefix="vidsr-estimate-") as folder:
        place = Locator.of(Path(folder) / spec.target.name)
        with open_job(replace(spec, target=place), notes) as job:
            try:
                return upscale_job(job, notes, CallProgress(note)).elapsed_s
            except _Enough:
                frames = job.info.frames
    if frames is None:
        return None
    return frames * (moments[-1] - moments[0]) / (len(moments) - 1)


def announce_run(job: Job, options: RunOptions, notes: Notes) -> None:
    """Say what a run will do, before its first frame."""
    engine = job.upscaler.engine
    precision = str(engine.dtype).removeprefix("torch.")
    notes.choose(f"model {job.upscaler.model.name} on {engine.device} in {precision}")
    announce(job.info, job.output.format, notes)
    if options.engine == "compile":
        notes.choose("the first frames wait for torch.compile, up to a minute")


def with_strengths(report: Report, before: Origin) -> Report:
    """Return a report with the strengths of frames that earlier runs, or others, have made."""
    if not report.last_strength:
        return report
    total = Origin.sum([before, Origin(strengths=report.strengths)])
    return replace(report, strengths=total.strengths)


def report_of(job: Job, finished: Finished, notes: Notes) -> Report:
    """Return the report of a job that is through."""
    output, upscaler, header = job.output, job.upscaler, job.source.header
    layout, written, measures = output.format, finished.written, finished.measures
    source = header.info.format
    tile = upscaler.memory_plan(source, layout).tile
    return Report(
        source=header.info.path,
        target=str(output.target.locator),
        model=upscaler.model.name,
        device=str(upscaler.engine.device),
        precision=str(upscaler.engine.dtype).removeprefix("torch."),
        engine=upscaler.engine.runtime,
        decoder=header.decoder,
        strengths=upscaler.pool.strength.record(),
        last_strength=upscaler.pool.last_strength,
        pixels=upscaler.reused.pixels,
        computed_pixels=upscaler.reused.computed_pixels,
        scale=upscaler.scale,
        tile=describe_tile(tile),
        tile_error_levels=tile_error_levels(upscaler, Size(source.width, source.height), tile),
        codec=output.codec.name,
        size=(layout.width, layout.height),
        pixel_format=output.encoder_format,
        color=layout.color.describe(),
        frames=written.frames,
        elapsed_s=finished.elapsed_s,
        video_s=written.video_s,
        output_bytes=written.size_bytes,
        stages=StageTimes.of(measures),
        latency_ms={name: stage.latency for name, stage in measures.stages.items()},
        queues=measures.queues,
        counts=job.source.counts,
        streams=tuple(asdict(stream) for stream in output.streams),
        notes=notes.said,
    )
