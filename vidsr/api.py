"""One call for one file."""

from __future__ import annotations

import time
from dataclasses import asdict
from fractions import Fraction
from os import PathLike
from pathlib import Path

from vidsr.engines.selection.choice import runtime_of
from vidsr.notes import Notes
from vidsr.picture.frame import Frame
from vidsr.run.job import Job, prepare
from vidsr.run.options import RunOptions
from vidsr.run.pipeline import StageTimes, run_pipeline
from vidsr.run.report import Report
from vidsr.run.sizing import describe_tile
from vidsr.upscaling.memory_plan import HELD_FRAMES
from vidsr.values import Decoder, Deinterlace, EngineKind, ModelName, Precision
from vidsr.video.progress import Progress
from vidsr.video.sink.file_sink import Sink
from vidsr.video.source.file_source import Item

QUEUED_FRAMES = HELD_FRAMES - 1  # between two stages; the sink works on one more


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
    """Upscale the video ``src`` into ``dst``; every frame keeps its timestamp.

    ``dst`` appears only when it is whole. The defaults keep what the source is.

    Args:
        src: A video, a picture, or a numbered sequence such as ``frames/%05d.png``.
        dst: The target; its suffix names the container.
        model: A shipped name (``lite-x4``), a family (``lite``), a path, or ``auto``.
        scale: 2 or 4, or 1 with a model that only restores; None is 4, or what a size needs.
        size: The size to finish at, (width, height) in pixels or ``"1920x1080"``.
        height: The height to finish at, in pixels; the width follows. Not beside ``size``.
        device: ``auto``, ``cpu``, ``cuda``, ``cuda:N``, or several: ``cuda:0,cuda:1``.
        precision: The numbers of the network: ``auto``, ``fp32``, ``bf16`` or ``fp16``.
        engine: The runtime of the network: ``auto``, ``torch``, ``tensorrt``, ``compile`` or
            ``openvino``.
        wait_for_engine: Have the first frame wait until TensorRT has built its engine.
        tile: (height, width) in source pixels that the network sees at once, each 16 or more.
        max_memory: Bytes, or text such as ``"2G"``, for frames and network; on each GPU.
        start: Seconds into the source at which to begin, 0 or more.
        duration: Seconds of the source to upscale, more than 0.
        deinterlace: ``auto`` deinterlaces frames that are flagged, ``off`` none.
        decoder: ``cpu``, or ``cuda`` for NVDEC on the GPU.
        framerate: Frames a second of numbered pictures, more than 0 and up to 1000; None is 25.
        codec: The codec of the target, such as ``hevc``; None follows the source and the container.
        crf: The quality as the encoder counts it; smaller is better.
        preset: The encoder's effort.
        pix_fmt: FFmpeg's name of the target's pixel format.
        drop_incompatible: Leave out streams that the container cannot hold.
        overwrite: Replace an existing target.
        progress: A receiver of progress, called after every frame.

    Returns:
        What was done, in numbers.

    Raises:
        VidsrError: One of its kinds, as ``vidsr.errors`` lists them.
    """
    options = RunOptions.of(locals())  # the arguments, each under its keyword
    return run(Path(src), Path(dst), options, progress=progress)


def run(src: Path, dst: Path, options: RunOptions, *, progress: Progress | None = None) -> Report:
    """Upscale ``src`` into ``dst`` with the arguments gathered. Raises a VidsrError."""
    notes = Notes()
    with prepare(src, dst, options, notes) as job:
        _announce(job, options, notes)
        begin = time.perf_counter()
        sink, times = encode(job, notes, progress)
    elapsed_s = time.perf_counter() - begin
    return _report(job, notes, times, sink, elapsed_s)


def _announce(job: Job, options: RunOptions, notes: Notes) -> None:
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
        engine=runtime_of(upscaler.engine),
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
