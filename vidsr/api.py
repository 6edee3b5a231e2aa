"""One call for one file."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import asdict
from fractions import Fraction
from os import PathLike
from pathlib import Path
from typing import Any

from vidsr.engines.devices import Precision
from vidsr.engines.kinds import EngineKind
from vidsr.errors import OptionError
from vidsr.notes import Notes
from vidsr.picture.frame import Frame
from vidsr.run.job import Job, Options, prepare
from vidsr.run.pipeline import StageTimes, run_pipeline
from vidsr.run.report import Report
from vidsr.run.sizing import WantedSize, describe_tile
from vidsr.upscaling.memory_plan import HELD_FRAMES
from vidsr.video.progress import Progress
from vidsr.video.sink.file_sink import Sink
from vidsr.video.sink.output_plan import (
    OutputOptions,
)
from vidsr.video.source.file_source import Deinterlace, Item
from vidsr.video.source.nvdec import Decoder

QUEUED_FRAMES = HELD_FRAMES - 1  # between two stages; the sink works on one more
ModelName = str | PathLike[str]


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
    engine: EngineKind = "auto",
    wait_for_engine: bool = False,
    tile: tuple[int, int] | None = None,
    max_memory: int | str | None = None,
    start: float | None = None,
    duration: float | None = None,
    deinterlace: Deinterlace = "auto",
    decoder: Decoder = "cpu",
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
    The other arguments are those of the command line and of ``Upscaler``.
    ``dst`` appears only when it is whole. Raises a ``VidsrError``.
    """
    options = Options(
        model=model,
        scale=scale,
        size=_wanted_size(size, height),
        device=device,
        precision=precision,
        engine=engine,
        wait_for_engine=wait_for_engine,
        tile=tile,
        max_memory=max_memory,
        start_s=start,
        duration_s=duration,
        deinterlace=deinterlace,
        decoder=decoder,
        framerate=_rate(framerate),
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


def _wanted_size(size: str | tuple[int, int] | None, height: int | None) -> WantedSize | None:
    if size is not None and height is not None:
        raise OptionError("size and height are given both; allowed is one of them.")
    if size is None and height is None:
        return None
    if isinstance(size, str):
        return WantedSize.parse(size)
    pair: tuple[Any, ...] = (
        (None, height) if size is None else tuple(size) if isinstance(size, Sequence) else ()
    )
    if len(pair) != 2 or not all(n is None or isinstance(n, int) for n in pair):
        raise OptionError(
            f"{size = }, {height = }: allowed are (width, height), 'WxH' and a number of lines."
        )
    return WantedSize(*pair)


def _rate(framerate: float | Fraction | None) -> Fraction | None:
    """Fractions as they are, floats as the simple fraction they stand for."""
    if framerate is None or isinstance(framerate, Fraction):
        return framerate
    if not isinstance(framerate, int | float) or not math.isfinite(framerate):
        raise OptionError(f"{framerate = }: allowed is a number.")
    return Fraction(framerate).limit_denominator(100_000)


def run(src: Path, dst: Path, options: Options, *, progress: Progress | None = None) -> Report:
    """``upscale`` with its arguments gathered. Raises a VidsrError."""
    notes = Notes()
    with prepare(src, dst, options, notes) as job:
        _announce(job, options, notes)
        begin = time.perf_counter()
        sink, times = encode(job, notes, progress)
    elapsed_s = time.perf_counter() - begin
    return _report(job, notes, times, sink, elapsed_s)


def _announce(job: Job, options: Options, notes: Notes) -> None:
    engine = job.upscaler.engine
    precision = str(engine.dtype).removeprefix("torch.")
    notes.say(f"model {job.upscaler.model.name} on {engine.device} in {precision}")
    if options.engine == "compile":
        notes.say("the first frames wait for torch.compile, up to a minute")


def encode(job: Job, notes: Notes, progress: Progress | None) -> tuple[Sink, StageTimes]:
    """Run the pipeline. Returns the finished sink and the stage times."""
    sink: Sink | None = None

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
            job.source,
            lambda items: job.upscaler.stream(items, job.output.format, held=HELD_FRAMES),
            consume,
            capacity=QUEUED_FRAMES,
            weigh=lambda item: isinstance(item, Frame),
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
    return sink, times


def _report(job: Job, notes: Notes, times: StageTimes, sink: Sink, elapsed_s: float) -> Report:
    output, upscaler, source = job.output, job.upscaler, job.source
    layout = output.format
    return Report(
        source=str(source.path),
        target=str(output.target.path),
        model=upscaler.model.name,
        device=str(upscaler.engine.device),
        precision=str(upscaler.engine.dtype).removeprefix("torch."),
        engine=upscaler.engine.runtime,
        decoder=source.decoder,
        scale=upscaler.scale,
        tile=describe_tile(upscaler.plan(source.info.format, layout)),
        codec=output.codec.name,
        size=(layout.width, layout.height),
        pixel_format=output.encoder_format,
        color=layout.color.describe(),
        frames=sink.frames,
        elapsed_s=elapsed_s,
        video_s=sink.video_s,
        output_bytes=sink.bytes_written,
        stages=times,
        counts=source.counts,
        streams=tuple(asdict(stream) for stream in output.streams),
        notes=notes.said,
    )
