"""A run before it starts: every choice gathered, checked and planned, and nothing written."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from vidsr.engines.devices import resolve_devices, resolve_precision
from vidsr.engines.selection.choice import EngineChoice
from vidsr.models.families import is_family
from vidsr.notes import Notes
from vidsr.picture.frame import VideoFormat
from vidsr.run.early_checks import check_run
from vidsr.run.options import RunOptions
from vidsr.run.sizing import choose_scale, describe, target_size
from vidsr.run.wanted_size import WantedSize
from vidsr.upscaling.upscaler import Upscaler
from vidsr.video.sink.output_plan import (
    NO_DISPLAY_MATRIX,
    OutputPlan,
    check_encoder,
    plan_output,
    plan_streams,
)
from vidsr.video.source.file_source import Source
from vidsr.video.source.nvdec import Nvdec, open_nvdec


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
        self.upscaler.close()
        self.source.close()


def prepare(src: Path, dst: Path, options: RunOptions, notes: Notes) -> Job:
    """Open, check and plan, cheap checks first. The caller closes the job. Raises a VidsrError."""
    target = check_run(src, dst, options)
    check_machine(options)
    source = Source(
        src,
        start_s=options.start_s,
        duration_s=options.duration_s,
        deinterlace=options.deinterlace,
        framerate=options.framerate,
        upright=target.container in NO_DISPLAY_MATRIX,
        hwaccel=_hwaccel(options),
        notes=notes,
    )
    try:
        layout = source.info.format
        streams = plan_streams(source, target, options.output, notes)
        wanted = options.wanted_size and options.wanted_size.stored(
            layout, source.info.display_matrix
        )
        upscaler = _upscaler(options, wanted, layout, notes)
        size = target_size(wanted, layout, upscaler.scale)
        output = plan_output(source.info, target, streams, size, options.output, notes)
        upscaler.plan(layout, output.format)
    except BaseException:
        source.close()
        raise
    return Job(source, output, upscaler)


def check_machine(options: RunOptions) -> None:
    """Raises OptionError or DeviceError for what cannot run here, whatever the source is."""
    first = resolve_devices(options.device)[0]
    resolve_precision(options.precision, first)
    EngineChoice(options.engine, options.precision, options.wait_for_engine).check(first)
    check_encoder(options.output)


def _hwaccel(options: RunOptions) -> Nvdec | None:
    if options.decoder == "cpu":
        return None
    return open_nvdec(resolve_devices(options.device))


def _upscaler(
    options: RunOptions, size: WantedSize | None, layout: VideoFormat, notes: Notes
) -> Upscaler:
    scale = options.scale
    if is_family(options.model):
        scale = choose_scale(size, layout, scale)
    return Upscaler(
        options.model,
        scale=scale,
        device=options.device,
        precision=options.precision,
        engine=options.engine,
        wait_for_engine=options.wait_for_engine,
        tile=options.tile,
        max_memory=options.max_memory,
        notes=notes,
    )
