"""One call for one file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from os import PathLike

from vidsr.option_values import (
    AudioChoice,
    Decoder,
    Deinterlace,
    EngineKind,
    Look,
    ModelName,
    PipeFormat,
    Precision,
    ReuseMode,
    Strength,
)
from vidsr.run.executor import LocalExecutor
from vidsr.run.options import RunOptions
from vidsr.run.report import Report
from vidsr.run.spec import JobSpec
from vidsr.video.locator import Name
from vidsr.video.progress import Progress, ProgressCall


def upscale(
    src: str | bytes | PathLike[str] | PathLike[bytes],
    dst: str | bytes | PathLike[str] | PathLike[bytes],
    *,
    model: ModelName = "auto",
    scale: int | None = None,
    size: str | tuple[int, int] | None = None,
    height: int | None = None,
    restore: ModelName | None = None,
    device: str = "auto",
    precision: Precision = "auto",
    engine: EngineKind = "auto",
    wait_for_engine: bool = False,
    tile: tuple[int, int] | None = None,
    max_memory: int | str | None = None,
    strength: Strength = "auto",
    look: Look = "faithful",
    enhance: str | Sequence[str] = (),
    reuse: ReuseMode = "exact",
    start: float | None = None,
    duration: float | None = None,
    deinterlace: Deinterlace = "auto",
    decoder: Decoder = "cpu",
    framerate: float | Fraction | None = None,
    input_format: PipeFormat | None = None,
    input_size: str | tuple[int, int] | None = None,
    input_pix_fmt: str | None = None,
    allow: str | Sequence[str] = (),
    format: PipeFormat | None = None,
    codec: str | None = None,
    crf: int | None = None,
    preset: str | None = None,
    bitrate: int | str | None = None,
    maxrate: int | str | None = None,
    encoder_option: Mapping[str, object] | Sequence[str] | None = None,
    pix_fmt: str | None = None,
    audio: AudioChoice = "copy",
    streams: str | None = None,
    drop_incompatible: bool = False,
    piece_frames: int | None = None,
    no_pieces: bool = False,
    restart: bool = False,
    growing: bool = False,
    overwrite: bool = False,
    progress: Progress | ProgressCall | None = None,
) -> Report:
    """Upscale the video ``src`` into ``dst``; every frame keeps its timestamp.

    ``dst`` appears only when it is whole. The defaults keep what the source is.

    Args:
        src: A video, a picture, a numbered sequence such as ``frames/%05d.png``, an address, or
            ``-`` for standard input.
        dst: The target; its suffix names the container. ``-`` is standard output.
        model: A shipped name (``lite-x4``), a family (``lite``), a path, or ``auto``.
        scale: 2 or 4, 1 with a model that only restores, or up to 16 with a model in a file
            that has it; None is 4, or what a size needs.
        size: The size to finish at, (width, height) in pixels or ``"1920x1080"``.
        height: The height to finish at, in pixels; the width follows. Not beside ``size``.
        restore: A model that keeps the size, to run before ``model``, or alone at scale 1:
            ``deblur``, ``denoise``, ``deblock``, or a path.
        device: ``auto``, ``cpu``, ``cuda``, ``cuda:N``, or several: ``cuda:0,cuda:1``.
        precision: The numbers of the network: ``auto``, ``fp32``, ``bf16`` or ``fp16``.
        engine: The runtime of the network: ``auto``, ``torch``, ``tensorrt``, ``compile`` or
            ``openvino``.
        wait_for_engine: Have the first frame wait until TensorRT has built its engine.
        tile: (height, width) in source pixels that the network sees at once, each 16 or more.
        max_memory: Bytes, or text such as ``"2G"``, for frames and network; on each GPU.
        strength: How far the network follows what a codec did to each frame: ``auto``, or a number
            of 0 (taken as clean) over 1 (as what the codec says) to 2.
        look: What an automatic model draws: ``faithful`` what the source shows, ``crisp`` sharper
            detail beside that, which is no evidence.
        enhance: Wishes in words, such as ``"less blocking"``, each of which sets one option; an
            option that is given as well is refused.
        reuse: What is not computed again on a CPU: ``exact`` parts of a frame that did not change,
            with the same result to the last bit, ``near`` parts whose samples changed by 4 levels
            of 8 bits at most, ``off`` nothing.
        start: Seconds into the source at which to begin, 0 or more.
        duration: Seconds of the source to upscale, more than 0.
        deinterlace: ``auto`` deinterlaces frames that are flagged, ``field`` makes a frame of
            each of their fields, ``off`` leaves all as they are.
        decoder: ``cpu``, or ``cuda`` for NVDEC on the GPU.
        framerate: Frames a second of numbered pictures and of raw ones, more than 0 and up to 1000;
            None is 25.
        input_format: The format of the source where its bytes do not tell: ``nut``, ``ts``, ``y4m``
            or ``raw``.
        input_size: The size of raw pictures, (width, height) in pixels or ``"640x360"``.
        input_pix_fmt: FFmpeg's name of the pixel format of raw pictures; None is ``yuv420p``.
        allow: Protocols that a playlist may read from beside its own, such as ``"file"``.
        format: The format of a pipe as the target: ``nut``, ``ts``, ``y4m`` or ``raw``; None is
            ``nut``.
        codec: The codec of the target, such as ``hevc``; None follows the source and the container.
        crf: The quality as the encoder counts it; smaller is better.
        preset: The encoder's effort.
        bitrate: Bits a second to aim at instead of a quality, such as ``"8M"``.
        maxrate: Bits a second that no two seconds exceed.
        encoder_option: Settings of FFmpeg's encoder: a mapping, or ``"KEY=VALUE"`` each.
        pix_fmt: FFmpeg's name of the target's pixel format.
        audio: ``copy``; ``auto`` to convert what the container cannot hold; ``aac``, ``opus`` or
            ``flac`` to convert all; ``none`` to leave sound out.
        streams: The streams to keep beside the video, such as ``"audio:0,subtitle:ger"``; None
            keeps all, ``"none"`` none.
        drop_incompatible: Leave out streams that the container cannot hold.
        piece_frames: Frames of a piece, 1 or more, after which an encoder begins anew so that a
            run that was stopped can go on; None is 250 for sources of 1000 frames or more.
        no_pieces: Code everything with one encoder; a run that was stopped begins anew.
        restart: Begin anew, whatever a run that was stopped has left.
        growing: Join pieces as they are finished, so that ``dst`` with ``.part`` at its end can be
            watched while the run goes on.
        overwrite: Replace an existing target.
        progress: A function of (frames done, frames in all or None), called after every frame, or
            an object with ``start(info)``, ``frame(done, output_bytes)`` and ``close()``. What it
            raises ends the run: nothing is left of the target, and the exception comes out here.

    Returns:
        What was done, in numbers.

    Raises:
        VidsrError: One of its kinds, as ``vidsr.errors`` lists them.
    """
    options = RunOptions.of(locals())  # the arguments, each under its keyword
    return run(src, dst, options, progress=progress)


def run(
    src: Name,
    dst: Name,
    options: RunOptions,
    *,
    progress: Progress | ProgressCall | None = None,
) -> Report:
    """Upscale ``src`` into ``dst`` with the arguments gathered. Raises a VidsrError."""
    return LocalExecutor(progress=progress).run(JobSpec.of(src, dst, options))
