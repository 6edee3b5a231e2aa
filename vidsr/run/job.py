"""A run before it starts: every choice gathered, checked and planned, and nothing written."""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from os import PathLike
from types import TracebackType
from typing import Self, get_args

from vidsr.engines.devices import Precision, resolve_devices, resolve_precision
from vidsr.engines.selection.choice import EngineChoice, EngineKind
from vidsr.errors import OptionError
from vidsr.models.families import is_family
from vidsr.notes import Notes
from vidsr.picture.frame import VideoFormat
from vidsr.run.sizing import WantedSize, choose_scale, describe, target_size
from vidsr.upscaling.upscaler import Upscaler
from vidsr.video.header import Decoder
from vidsr.video.locator import Locator, Name
from vidsr.video.sink.output_plan import (
    NO_DISPLAY_MATRIX,
    OutputOptions,
    OutputPlan,
    check_encoder,
    plan_output,
    plan_streams,
)
from vidsr.video.sink.target_file import Target
from vidsr.video.source.base import Deinterlace
from vidsr.video.source.file_source import FileSource
from vidsr.video.source.nvdec import Nvdec, open_nvdec

ModelName = str | PathLike[str]
SMALLEST_TILE = 16  # below, the halo is nearly all of the work
MAX_SECONDS = 1e9  # thirty years; more overflows the clocks of containers


@dataclass(frozen=True, kw_only=True)
class Options:
    """Every choice of a run but source and target; the defaults keep what the source is."""

    model: ModelName = "auto"
    scale: int | None = None
    size: WantedSize | None = None
    device: str = "auto"
    precision: Precision = "auto"
    engine: EngineKind = "auto"
    wait_for_engine: bool = False
    tile: tuple[int, int] | None = None
    max_memory: int | str | None = None
    start_s: float | None = None
    duration_s: float | None = None
    deinterlace: Deinterlace = "auto"
    decoder: Decoder = "cpu"
    framerate: Fraction | None = None
    output: OutputOptions = field(default_factory=OutputOptions)


@dataclass(frozen=True)
class Job:
    """A source opened, a model loaded, a target planned, and nothing written yet."""

    source: FileSource
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


def prepare(src: Name, dst: Name, options: Options, notes: Notes) -> Job:
    """Open, check and plan, cheap checks first. The caller closes the job. Raises a VidsrError."""
    check_types(options)
    check_times(options)
    check_machine(options)
    source_name, target_name = Locator.of(src), Locator.of(dst)
    target = Target.of(target_name, overwrite=options.output.overwrite)
    target.check(source_name, overwrite=options.output.overwrite)
    source = FileSource(
        source_name,
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
        streams = plan_streams(source.header, target, options.output, notes)
        wanted = options.size and options.size.stored(layout, source.info.display_matrix)
        upscaler = _upscaler(options, wanted, layout, notes)
        size = target_size(wanted, layout, upscaler.scale)
        output = plan_output(source.info, target, streams, size, options.output, notes)
        upscaler.plan(layout, output.format)
    except BaseException:
        source.close()
        raise
    return Job(source, output, upscaler)


def check_types(options: Options) -> None:
    """Raises OptionError for an argument of a wrong kind, before it fails somewhere deep."""
    number = (int, float, Fraction)
    output = options.output
    for name, value, kinds in (
        ("model", options.model, (str, PathLike)),
        ("scale", options.scale, (int,)),
        ("device", options.device, (str,)),
        ("max_memory", options.max_memory, (int, str)),
        ("start", options.start_s, number),
        ("duration", options.duration_s, number),
        ("codec", output.codec, (str,)),
        ("crf", output.crf, (int,)),
        ("preset", output.preset, (str,)),
        ("pix_fmt", output.pix_fmt, (str,)),
    ):
        if isinstance(value, bool) or not (value is None or isinstance(value, kinds)):
            allowed = " or ".join(kind.__name__ for kind in kinds)
            raise OptionError(f"{name} = {value!r}: allowed is {allowed}.")
    if options.deinterlace not in get_args(Deinterlace):
        raise OptionError(f"deinterlace = {options.deinterlace!r}: allowed are auto and off.")
    if options.decoder not in get_args(Decoder):
        raise OptionError(f"decoder = {options.decoder!r}: allowed are cpu and cuda.")
    if options.scale is not None and options.scale not in (1, 2, 4):
        raise OptionError(f"scale = {options.scale}: allowed are 2 and 4, and 1 to restore only.")
    check_tile(options.tile)


def check_tile(tile: object) -> None:
    """Raises OptionError for anything but a pair of sizes of at least 16, or None."""
    pair = isinstance(tile, tuple) and len(tile) == 2 and all(isinstance(n, int) for n in tile)
    if tile is None or (pair and min(tile) >= SMALLEST_TILE):  # type: ignore[call-overload]
        return
    raise OptionError(f"{tile = }: allowed are two sizes of {SMALLEST_TILE} or more.")


def check_times(options: Options) -> None:
    """Raises OptionError for a start or a duration that cannot be."""
    if options.start_s is not None and not 0 <= options.start_s < MAX_SECONDS:
        raise OptionError(f"--start {options.start_s:g}: allowed is 0 or more seconds.")
    if options.duration_s is not None and not 0 < options.duration_s < MAX_SECONDS:
        raise OptionError(f"--duration {options.duration_s:g}: allowed is more than 0 seconds.")
    if options.framerate is not None and not 0 < options.framerate <= 1000:
        raise OptionError(f"--framerate {options.framerate}: allowed is more than 0, up to 1000.")


def check_machine(options: Options) -> None:
    """Raises OptionError or DeviceError for what cannot run here, whatever the source is."""
    first = resolve_devices(options.device)[0]
    resolve_precision(options.precision, first)
    EngineChoice(options.engine, options.precision, options.wait_for_engine).check(first)
    check_encoder(options.output)


def _hwaccel(options: Options) -> Nvdec | None:
    if options.decoder == "cpu":
        return None
    return open_nvdec(resolve_devices(options.device))


def _upscaler(
    options: Options, size: WantedSize | None, layout: VideoFormat, notes: Notes
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
