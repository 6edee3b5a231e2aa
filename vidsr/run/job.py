"""A run before its first frame: all of it checked and planned, its source open, nothing written."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import islice
from types import TracebackType
from typing import Protocol, Self

from vidsr.engines.devices import resolve_devices, resolve_precision
from vidsr.engines.selection.engine_order import EngineChoice
from vidsr.errors import InputError
from vidsr.models.families import is_family
from vidsr.notes import Notes
from vidsr.picture.coding_record import CodingSummary
from vidsr.picture.frame import Frame
from vidsr.run.early_checks import check_run
from vidsr.run.forecast import process_bytes
from vidsr.run.media_kinds import FILES, Openers
from vidsr.run.options import RunOptions
from vidsr.run.plan import JobPlan
from vidsr.run.records.enhance_words import plan_lines
from vidsr.run.records.strength_words import strength_words
from vidsr.run.sizing import choose_scale, describe, describe_cuts, planned_cuts, target_size
from vidsr.run.spec import JobSpec
from vidsr.run.wanted_size import WantedSize
from vidsr.upscaling.engine_pool import EnginePool
from vidsr.upscaling.reuse.rule import USUAL_RATE_HZ, Reuse
from vidsr.upscaling.upscaler import Upscaler
from vidsr.video.header import StreamHeader
from vidsr.video.info import SourceInfo
from vidsr.video.locator import Name
from vidsr.video.sink.output_plan import (
    NO_DISPLAY_MATRIX,
    OutputPlan,
    check_count,
    check_encoder,
    plan_output,
    plan_streams,
)
from vidsr.video.sink.target_file import Target
from vidsr.video.source.base import FrameSource, SourceRequest
from vidsr.video.source.nvdec import Nvdec, open_nvdec
from vidsr.video.source.source_kinds import open_source

# Of a plan, for what the codec did: a key frame and some that follow, decoded in milliseconds.
MEASURED_FRAMES = 8


class Engines(Protocol):
    """A giver of loaded models that several runs share."""

    def pool(
        self, options: RunOptions, scale: int | None, info: SourceInfo, notes: Notes
    ) -> EnginePool | None:
        """Return the engines for a run; None has it load its own."""
        ...


class OwnEngines:
    """The giver of none: every run loads its model."""

    def pool(
        self, options: RunOptions, scale: int | None, info: SourceInfo, notes: Notes
    ) -> EnginePool | None:
        """Return None."""
        return None


OWN = OwnEngines()


@dataclass(frozen=True)
class Job:
    """A source opened, a model loaded, a target planned, and nothing written yet."""

    source: FrameSource
    output: OutputPlan
    upscaler: Upscaler
    openers: Openers = FILES

    @property
    def info(self) -> SourceInfo:
        """The video of the source, as its first frame shows it."""
        return self.source.header.info

    def describe(self) -> list[str]:
        """Return the plan for people, a fact a line."""
        return describe(self.info, self.output, self.upscaler)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.upscaler.close()
        self.source.close()


def plan_job(spec: JobSpec, openers: Openers = FILES) -> JobPlan:
    """Decide everything about a run; the source is opened up to its first frame, and closed.

    Raises:
        VidsrError: The run cannot be, as far as that shows without writing anything.
    """
    notes = Notes()
    with _open(spec, notes, openers, planned=True) as job:
        engine, lines, pool = job.upscaler.engine, job.describe(), job.upscaler.pool
        lines.append(describe_cuts(planned_cuts(spec, job.source.header, job.output)))
        said = notes.said
        target, overwrite = job.output.target, spec.options.overwrite
        if target.taken and not overwrite:
            notes.say(f"{target.locator}: exists already: the run will need `overwrite`")
        whole = process_bytes(job.info, job.output, job.upscaler)  # before frames are decoded
        coding_error = _first_errors(job.source, pool)
        strengths = pool.strength.record()
        progressive = not (job.info.interlaced or job.source.counts.deinterlaced)
        lines += plan_lines(spec.options.enhance, progressive=progressive)
        if coding_error is not None:
            words = (str(coding_error), strength_words(strengths, pool.last_strength))
            lines.append("coding   " + "; ".join(filter(None, words)))
        return JobPlan(
            spec=spec,
            info=job.info,
            output=replace(job.output, target=replace(target, overwrite=overwrite)),
            model=job.upscaler.model.name,
            scale=job.upscaler.scale,
            device=str(engine.device),
            precision=str(engine.dtype).removeprefix("torch."),
            lines=tuple(lines),
            notes=said,
            coding_error=coding_error,
            strengths=strengths,
            last_strength=pool.last_strength,
            process_bytes=whole,
        )


def _first_errors(source: FrameSource, pool: EnginePool) -> CodingSummary | None:
    """Return what the codec did to the first frames, as far as they can be decoded.

    ``pool.strength`` counts the steps that they lead to.
    """
    with suppress(InputError):
        frames = (item for item in source if isinstance(item, Frame))
        for frame in islice(frames, MEASURED_FRAMES):
            step = pool.strength.step(frame.coding_error)
            if step and not pool.last_strength:
                pool.strength.taken_as_clean(step)
            frame.release()
    return source.counts.coding.summary()


def open_job(
    run: JobSpec | JobPlan, notes: Notes, openers: Openers = FILES, engines: Engines = OWN
) -> Job:
    """Open a run that was asked for or planned, cheap checks first; the caller closes it.

    A source that can be read only once, such as a pipe, is asked for and never planned.

    Args:
        run: What to do. Of a plan the output stays as it was planned.
        notes: What collects assumptions and losses.
        openers: The kinds of sources and sinks there are.
        engines: The giver of models that are loaded already.

    Raises:
        VidsrError: The run cannot be; nothing is left open. Nothing is written in any case.
    """
    return _open(run, notes, openers, engines)


def _open(
    run: JobSpec | JobPlan,
    notes: Notes,
    openers: Openers,
    engines: Engines = OWN,
    *,
    planned: bool = False,
) -> Job:
    spec = run if isinstance(run, JobSpec) else run.spec
    options = spec.options
    target = check_run(spec.source, spec.target, options, openers, planned=planned)
    check_machine(options)
    source = open_source(spec.source, source_request(options, target), notes, openers.sources)
    try:
        header = source.header
        if isinstance(run, JobPlan):
            upscaler, output = _as_planned(run, header, notes, engines)
        else:
            upscaler, output = _decided(options, target, header, notes, engines)
        upscaler.plan(header.info.format, output.format)
    except BaseException:
        source.close()
        raise
    return Job(source, output, upscaler, openers)


def prepare(src: Name, dst: Name, options: RunOptions, notes: Notes) -> Job:
    """Open the run of two names; see ``open_job``. Raises a VidsrError."""
    return open_job(JobSpec.of(src, dst, options), notes)


def _decided(
    options: RunOptions, target: Target, header: StreamHeader, notes: Notes, engines: Engines
) -> tuple[Upscaler, OutputPlan]:
    check_count(target, header)
    streams = plan_streams(header, target, options.output, notes)
    wanted = _wanted(options, header.info)
    upscaler = _upscaler(options, wanted, header.info, notes, engines)
    size = target_size(wanted, header.info.format, upscaler.scale)
    return upscaler, plan_output(header.info, target, streams, size, options.output, notes)


def _as_planned(
    plan: JobPlan, header: StreamHeader, notes: Notes, engines: Engines
) -> tuple[Upscaler, OutputPlan]:
    if header.info != plan.info:
        raise InputError(f"{plan.spec.source}: has changed since the run was planned")
    for note in plan.notes:
        notes.say(note)
    options = plan.spec.options
    wanted = _wanted(options, header.info)
    return _upscaler(options, wanted, header.info, notes, engines), plan.output


def _wanted(options: RunOptions, info: SourceInfo) -> WantedSize | None:
    wanted = options.wanted_size
    return wanted and wanted.stored(info.format, info.display_matrix)


def source_request(options: RunOptions, target: Target) -> SourceRequest:
    """Return the wishes of a run at its source."""
    return SourceRequest(
        start_s=options.start_s,
        duration_s=options.duration_s,
        deinterlace=options.deinterlace,
        framerate=options.framerate,
        upright=target.container in NO_DISPLAY_MATRIX,
        hwaccel=_hwaccel(options),
        layout=options.layout,
        allow=options.allow,
    )


def check_machine(options: RunOptions) -> None:
    """Raise OptionError or DeviceError for what cannot run here, whatever the source is."""
    first = resolve_devices(options.device)[0]
    resolve_precision(options.precision, first)
    EngineChoice(options.engine, options.precision, options.wait_for_engine).check(first)
    check_encoder(options.output)


def _hwaccel(options: RunOptions) -> Nvdec | None:
    if options.decoder == "cpu":
        return None
    return open_nvdec(resolve_devices(options.device))


def _upscaler(
    options: RunOptions, size: WantedSize | None, info: SourceInfo, notes: Notes, engines: Engines
) -> Upscaler:
    scale = options.scale
    if is_family(options.network):
        scale = choose_scale(size, info.format, scale)
    return make_upscaler(options, scale, info, notes, engines.pool(options, scale, info, notes))


def upscaler_for(options: RunOptions, info: SourceInfo, notes: Notes) -> Upscaler:
    """Return what a run over a source upscales with; the caller closes it."""
    return _upscaler(options, _wanted(options, info), info, notes, OWN)


def make_upscaler(
    options: RunOptions,
    scale: int | None,
    info: SourceInfo,
    notes: Notes,
    pool: EnginePool | None = None,
) -> Upscaler:
    """Return what upscales as the options say, on engines of its own or on those of ``pool``."""
    return Upscaler(
        options.network,
        scale=scale,
        restore=options.restorer,
        device=options.device,
        precision=options.precision,
        engine=options.engine,
        wait_for_engine=options.wait_for_engine,
        tile=options.tile,
        max_memory=options.max_memory,
        strength=options.strength,
        reuse=Reuse(options.reuse, rate_hz=float(info.rate) or USUAL_RATE_HZ),
        notes=notes,
        pool=pool,
    )
