"""Decide everything about the target before the first frame: streams, codec, format, colour."""

from __future__ import annotations

import contextlib
import io
import os
from dataclasses import dataclass, field, replace
from fractions import Fraction

import av

from vidsr.errors import ContainerError, OptionError, OutputError
from vidsr.notes import Notes
from vidsr.picture.color import MATRIX_BT601, MATRIX_BT709, MATRIX_BT2020, RANGE_FULL, ColorSpec
from vidsr.picture.frame import PixelFormat, VideoFormat
from vidsr.picture.size import Size
from vidsr.video.header import SideStream, StreamHeader
from vidsr.video.info import PictureMarks, SourceInfo
from vidsr.video.media.pipe_formats import ONE_STREAM
from vidsr.video.sink.codec_defaults import Codec, find_codec
from vidsr.video.sink.encoder_formats import FOR_PLAYERS, PALETTE, player_format
from vidsr.video.sink.encoder_settings import (
    add_parameters,
    add_rates,
    check_device,
    check_used,
    choose_format,
    encoder_options,
)
from vidsr.video.sink.output_options import OutputOptions, check_pair, default_codec
from vidsr.video.sink.stream_plan import Holder, StreamPlan, plan_stream
from vidsr.video.sink.target_file import Target
from vidsr.video.streams.choice import kept_indices
from vidsr.video.streams.copies import MUX_ERRORS
from vidsr.video.streams.picture_marks import MARKED_CODECS, MARKING, STEREO_MODES, hand_on

# Files of pictures alone; sound beside them is left out as beside numbered pictures.
PICTURES = ("image2", "gif", "apng", "webp", "avif")
NO_DISPLAY_MATRIX = ("mpegts", *PICTURES, "avi", "mxf", "nut", *ONE_STREAM)
CONSTANT_RATE = ("avi", "mxf", *ONE_STREAM)
REORDERING = ("h264", "hevc")
HDR_TRANSFERS = (16, 18)  # PQ and HLG


@dataclass(frozen=True)
class OutputPlan:
    """The target, decided: all that a sink needs to know but the source's own header.

    ``bitexact`` has muxers write no random identifiers and no versions of libraries.
    """

    target: Target
    codec: Codec
    options: dict[str, str]
    encoder_format: str
    format: VideoFormat
    time_base: Fraction
    rate: Fraction
    sample_aspect_ratio: Fraction
    display_matrix: tuple[int, ...] | None
    streams: tuple[StreamPlan, ...]
    bitexact: bool = False
    marks: PictureMarks = field(default_factory=PictureMarks)


def plan_output(
    info: SourceInfo,
    target: Target,
    streams: tuple[StreamPlan, ...],
    size: Size,
    options: OutputOptions,
    notes: Notes,
) -> OutputPlan:
    """Plan the target for pictures of ``size``, and try its encoder.

    Raises OptionError for settings the encoder or the container refuses.
    """
    deep, large = info.format.pixel.depth > 8, max(size.width, size.height) > 4096
    default = default_codec(target, deep=deep, large=large)
    codec = find_codec(options.codec) if options.codec else default
    check_pair(codec, target)
    name, pixel = _format(info, target, codec, size, options, notes)
    aspect = target_aspect(info, size)
    settings = encoder_options(codec, options.crf, options.preset, pixel)
    if not add_parameters(settings, codec, info.hdr):
        notes.say(f"{codec.name} cannot carry the source's mastering and light-level metadata")
    color = target_color(info.format, pixel, codec)
    # Neither PyAV nor the frame can carry the siting; the encoder takes it as an option.
    in_band = codec.bitstream in ("h264", "hevc")
    if (in_band or codec.name == "raw") and pixel.subsampling == (2, 2):
        settings["chroma_sample_location"] = color.siting
    if target.container in ("matroska", "webm", "nut") and aspect != 1 and not in_band:
        notes.say(f"{codec.name} in {target.holder} cannot carry the sample aspect {aspect}")
    _note_pipe(target, codec, name, color, size, info.rate, notes)
    if target.container == "nut" and codec.bitstream in REORDERING:
        settings["bf"] = "0"  # else decoding times before zero move all streams
    if target.sequence:
        notes.say("numbered pictures carry no timestamps")
    plan = OutputPlan(
        target=target,
        codec=codec,
        options=settings,
        encoder_format=name,
        format=VideoFormat(size.width, size.height, pixel, color),
        time_base=1 / info.rate if target.container in CONSTANT_RATE else info.time_base,
        rate=info.rate,
        sample_aspect_ratio=aspect,
        display_matrix=info.display_matrix,
        marks=_marks(info, size, target, codec, notes),
        streams=tuple(
            replace(s, codec=codec.bitstream) if s.action == "encode" else s for s in streams
        ),
    )
    if name == PALETTE:
        notes.say("GIF holds 256 colours a picture and counts hundredths of a second")
    if target.container == "avi" and codec.bitstream == "h264":
        settings["bf"] = "0"  # AVI has no times, only an order
        notes.say("FFmpeg reads H.264 in AVI a frame late")
    add_rates(settings, codec, options)
    _try_encoder(plan, options)
    return plan


def _format(
    info: SourceInfo,
    target: Target,
    codec: Codec,
    size: Size,
    options: OutputOptions,
    notes: Notes,
) -> tuple[str, PixelFormat]:
    """Return the encoder's pixel format, by FFmpeg's name and ours; note what it loses."""
    shown = None if options.pix_fmt else player_format(info, target.container, codec, size)
    if target.container == "yuv4mpegpipe" and info.format.pixel.family == "rgb":
        shown = shown or replace(info.format.pixel, family="yuv").name
    name, pixel = choose_format(codec, info.format.pixel, options.pix_fmt or shown)
    if shown and target.container in FOR_PLAYERS:
        notes.choose(f"{codec.name} as {shown}, which players show; `pix_fmt` asks for another")
    if lost := _losses(info.format.pixel, pixel):
        notes.say(f"{codec.name} as {name} keeps less than {info.format.pixel.name}: {lost}")
    full_chroma = pixel.family == "yuv" and pixel.subsampling == (1, 1)
    film = target.container not in PICTURES  # viewers of pictures show any of them
    if film and info.format.pixel.family == "rgb" and full_chroma and options.pix_fmt is None:
        plays = "pix_fmt = 'yuv420p' plays everywhere"
        notes.say(f"few players show {codec.name} as {name}: {plays}")
    return name, pixel


def check_count(target: Target, header: StreamHeader) -> None:
    """Raise OutputError for a single picture of what is known to have more frames."""
    single = target.container == "image2" and not target.sequence
    if single and (header.counted_frames or 0) > 1:
        raise OutputError(
            f"{target.locator}: a single picture cannot hold {header.counted_frames} frames",
            hint="name a pattern such as frames/%05d.png.",
        )


def _note_pipe(
    target: Target,
    codec: Codec,
    name: str,
    color: ColorSpec,
    size: Size,
    rate: Fraction,
    notes: Notes,
) -> None:
    """Say what readers of a pipe have to be told, and what they are not told."""
    if codec.name != "raw":
        return
    if target.container == "rawvideo":
        notes.choose(f"raw video of {size.width}x{size.height} {name} at {float(rate):g} fps")
    tags = color.describe()
    if color.transfer in HDR_TRANSFERS:
        notes.say(
            f"raw pictures carry no colour tags, and these are {tags}: tell the reader, or take "
            "codec = 'hevc'"
        )
    else:
        notes.choose(f"raw pictures carry no colour tags; these are {tags}")


def check_encoder(options: OutputOptions) -> None:
    """Check ``--codec`` as far as that is possible before anything is loaded.

    Raises OptionError for an unknown name, DeviceError for an encoder whose device is absent.
    """
    if options.codec is not None:
        check_device(find_codec(options.codec))


def target_color(source: VideoFormat, pixel: PixelFormat, codec: Codec) -> ColorSpec:
    """Return the source's tags, with siting and range as the target's codec implies them."""
    color = source.color
    if pixel.family == "rgb":
        return replace(color, matrix=0, range=RANGE_FULL)
    if codec.jpeg_range:
        return replace(color, matrix=MATRIX_BT601, range=RANGE_FULL, siting="center")
    if codec.bt601:
        return replace(color, matrix=MATRIX_BT601, range=1, siting="center")
    if source.pixel.family == "rgb":
        matrix = MATRIX_BT2020 if color.primaries == MATRIX_BT2020 else MATRIX_BT709
        return replace(color, matrix=matrix, range=1, siting="left")
    # Players assume left unless the stream says otherwise, which H.264 and HEVC can.
    return replace(color, siting="topleft" if color.siting == "topleft" else "left")


def _marks(
    info: SourceInfo, size: Size, target: Target, codec: Codec, notes: Notes
) -> PictureMarks:
    """Return the container's marks at the target's size; nothing where they cannot be held."""
    if not info.marks:
        return info.marks
    source, kept = info.format, PictureMarks()
    if target.container in MARKING and codec.bitstream in MARKED_CODECS:
        kept = info.marks.scaled(
            Fraction(size.width, source.width), Fraction(size.height, source.height)
        )
    if kept.stereo not in STEREO_MODES.get(target.container, (kept.stereo,)):
        kept = replace(kept, stereo=0)
    if lost := info.marks.without(kept):
        notes.say(
            f"the source's {lost.named()} is not carried over: {codec.name} in "
            f"{target.holder} cannot hold it"
        )
    return kept


def target_aspect(info: SourceInfo, size: Size) -> Fraction:
    """Return the sample aspect ratio that keeps the picture's shape.

    A size that misses the source's proportions only by rounding to whole or even pixels leaves
    the ratio as it was.
    """
    width, height = size.width, size.height
    if abs(info.format.width * height - info.format.height * width) <= 2 * max(
        info.format.width, info.format.height
    ):
        return info.sample_aspect_ratio
    change = Fraction(info.format.width * height, info.format.height * width)
    return info.sample_aspect_ratio * change


def _losses(source: PixelFormat, target: PixelFormat) -> str:
    lost = []
    if target.depth < source.depth:
        lost.append(f"{target.depth} bits instead of {source.depth}")
    if source.family == "yuv" and target.family == "yuv":
        if target.subsampling > source.subsampling:
            lost.append("coarser chroma")
    elif source.family == "rgb" and target.family == "yuv":
        lost.append("RGB becomes Y'CbCr")
    return ", ".join(lost)


def plan_streams(
    header: StreamHeader, target: Target, options: OutputOptions, notes: Notes
) -> tuple[StreamPlan, ...]:
    """Return what becomes of each stream of the source, in its order.

    Raises ContainerError for a stream the container cannot hold, unless it may be dropped.
    """
    if header.video is None:  # a source of frames alone
        return (StreamPlan(0, "video", "encode", ""),)
    plans = []
    holder = Holder(target.container, target.locator.suffix, target.muxer_options)
    kept = kept_indices(options.streams, header.streams) if options.streams else None
    for stream in header.streams:
        if stream.index == header.video:
            plans.append(StreamPlan(stream.index, "video", "encode", ""))
            continue
        if kept is not None and stream.index not in kept:
            plans.append(StreamPlan(stream.index, stream.kind, "drop", stream.codec, "chosen"))
            continue
        plan = plan_stream(stream, holder, options.audio)
        if plan.action == "drop":
            _refuse_or_drop(plan, stream, target, options, notes)
        elif plan.action == "convert":
            kind, verb = ("audio", "becomes") if plan.kind == "audio" else ("subtitles", "become")
            notes.choose(f"{kind}, stream {plan.index}: {stream.codec} {verb} {plan.codec}")
        plans.append(plan)
    return tuple(plans)


def _refuse_or_drop(
    plan: StreamPlan, stream: SideStream, target: Target, options: OutputOptions, notes: Notes
) -> None:
    where = f"{plan.kind} stream {plan.index} ({plan.codec})"
    if plan.reason in ("chosen", "timecode"):
        return
    if plan.reason == "data":
        notes.say(f"{where} is dropped: {target.holder} takes no such data as a copy")
    elif plan.reason == "cover":
        notes.say(f"{where} is dropped: {target.holder} takes no cover art")
    elif plan.reason == "unreadable":
        why = plan.detail or "the file does not say how it is coded"
        notes.say(f"{where} is dropped: {why}")
    elif target.container in PICTURES:
        notes.say(f"{where} is dropped: pictures hold no other streams")
    elif target.container in ONE_STREAM:
        notes.say(f"{where} is dropped: {target.holder} holds one stream of video")
    elif options.drop_incompatible or target.pipe:
        notes.say(f"{where} is dropped: {target.holder} cannot hold it")
    else:
        raise ContainerError(
            f"{target.locator.name}: {target.holder} cannot hold {where} of the source"
            f"{f' as {options.audio}' if _named(plan, options) else ''}.",
            hint=_ways_out(plan, stream, target, options),
        )


def _named(plan: StreamPlan, options: OutputOptions) -> bool:
    return plan.kind == "audio" and options.audio not in ("copy", "auto")


def _ways_out(plan: StreamPlan, stream: SideStream, target: Target, options: OutputOptions) -> str:
    """Return what can be done: never a container that does not hold the stream either."""
    ways = []
    other = plan_stream(stream, Holder("matroska"), options.audio)
    if target.container != "matroska" and other.action != "drop":
        ways.append("use .mkv")
    if plan.kind == "audio" and options.audio != "auto":
        ways.append("audio = 'auto' to convert it")
    ways.append("`drop_incompatible` to leave it out")
    return f"{', or '.join(ways)}."


def _try_encoder(plan: OutputPlan, options: OutputOptions) -> None:
    """Open the encoder and the container once for nothing. Raises OptionError, DeviceError."""
    width, height = plan.format.width, plan.format.height
    across, down = plan.format.pixel.subsampling
    what = f"{plan.codec.name} at {width}x{height} {plan.encoder_format} in {plan.target.container}"
    if plan.codec.name not in ("ffv1", "raw") and (width % across or height % down):
        raise OptionError(
            f"{what}: the size must be a multiple of {across}x{down} for this pixel format.",
            hint="choose an even `size` or `height`, or pix_fmt = 'yuv444p'.",
        )
    settings = plan.target.muxer_options if plan.target.pipe else {}
    probe = av.open(io.BytesIO(), "w", format=plan.target.container, container_options=settings)
    try:
        configure_encoder(probe, plan)
        probe.start_encoding()
        check_used(probe.streams[0].codec_context, options)
    except MUX_ERRORS as error:
        check_device(plan.codec)
        reason = getattr(error, "strerror", None) or str(error)
        raise OptionError(
            f"{what}: the encoder or the container refuses: {reason}",
            hint="try another `codec`, `pix_fmt` or container (.mkv holds nearly everything).",
        ) from error
    finally:
        with contextlib.suppress(*MUX_ERRORS):
            probe.close()


def configure_encoder(
    container: av.container.OutputContainer, plan: OutputPlan
) -> av.video.stream.VideoStream:
    """Add the encoded stream to an output container."""
    # SVT-AV1 prints to stderr by itself and listens to nothing but this variable.
    os.environ.setdefault("SVT_LOG", "1")
    rate = min(plan.rate, Fraction(plan.codec.max_rate))
    stream = container.add_stream(plan.codec.encoder, rate=rate, options=plan.options)
    assert isinstance(stream, av.video.stream.VideoStream)
    hand_on(plan.marks, plan.codec.bitstream, stream)
    context = stream.codec_context
    context.width, context.height = plan.format.width, plan.format.height
    context.pix_fmt = plan.encoder_format
    context.sample_aspect_ratio = plan.sample_aspect_ratio
    stream.time_base = context.time_base = plan.time_base
    context.framerate = rate
    color = plan.format.color
    context.colorspace, context.color_range = color.matrix, color.range
    context.color_primaries, context.color_trc = color.primaries, color.transfer
    context.thread_type = "AUTO"
    if plan.codec.bitstream == "hevc" and plan.target.container in ("mp4", "mov"):
        context.codec_tag = "hvc1"  # what Apple's players ask for
    if plan.display_matrix:
        stream.set_display_matrix(plan.display_matrix)
    return stream
