"""Executors of runs: here, one after the other; elsewhere, whatever takes a run as data."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import asdict
from typing import Protocol

from vidsr.notes import Notes
from vidsr.run.forecast import Forecast, announce
from vidsr.run.job import Job, open_job
from vidsr.run.loop import Finished, upscale_job
from vidsr.run.media_kinds import FILES, Openers
from vidsr.run.options import RunOptions
from vidsr.run.plan import JobPlan
from vidsr.run.report import Report
from vidsr.run.sizing import describe_tile
from vidsr.run.spec import JobSpec
from vidsr.run.stages.channel import WhenFull
from vidsr.run.stages.pipeline import StageTimes
from vidsr.video.progress import Progress, ProgressCall, receiver_of


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
    """

    def __init__(
        self,
        openers: Openers = FILES,
        progress: Progress | ProgressCall | None = None,
        *,
        when_full: WhenFull = "wait",
    ) -> None:
        self._progress = receiver_of(progress)
        self._openers, self._when_full = openers, when_full

    def run(self, spec: JobSpec | JobPlan) -> Report:
        """Execute a run that was asked for or planned. Raises a VidsrError."""
        notes = Notes()
        with open_job(spec, notes, self._openers) as job:
            options = spec.options if isinstance(spec, JobSpec) else spec.spec.options
            _announce(job, options, notes)
            progress = Forecast(self._progress, notes)
            finished = upscale_job(job, notes, progress, when_full=self._when_full)
        return report_of(job, finished, notes)

    def map(self, specs: Iterable[JobSpec]) -> Iterator[Report]:
        """Execute one after the other, each when its report is asked for."""
        return map(self.run, specs)


def _announce(job: Job, options: RunOptions, notes: Notes) -> None:
    engine = job.upscaler.engine
    precision = str(engine.dtype).removeprefix("torch.")
    notes.choose(f"model {job.upscaler.model.name} on {engine.device} in {precision}")
    announce(job.info, job.output.format, notes)
    if options.engine == "compile":
        notes.choose("the first frames wait for torch.compile, up to a minute")


def report_of(job: Job, finished: Finished, notes: Notes) -> Report:
    """Return the report of a job that is through."""
    output, upscaler, header = job.output, job.upscaler, job.source.header
    layout, written, measures = output.format, finished.written, finished.measures
    return Report(
        source=header.info.path,
        target=str(output.target.locator),
        model=upscaler.model.name,
        device=str(upscaler.engine.device),
        precision=str(upscaler.engine.dtype).removeprefix("torch."),
        engine=upscaler.engine.runtime,
        decoder=header.decoder,
        strengths={str(step): n for step, n in upscaler.pool.strength.chosen.items()},
        scale=upscaler.scale,
        tile=describe_tile(upscaler.memory_plan(header.info.format, layout).tile),
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
