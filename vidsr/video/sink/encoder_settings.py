"""Encoders: their settings, their pixel formats, and a try whether one opens."""

from __future__ import annotations

from fractions import Fraction

import av

from vidsr.errors import DeviceError
from vidsr.picture.frame import PixelFormat
from vidsr.video.hdr import HdrMetadata
from vidsr.video.sink.codec_defaults import Codec, check_quality
from vidsr.video.sink.encoder_formats import check_pixel_format, encoder_formats

PROBE_SIZE = (640, 480)  # above the least size of every NVENC, far below the largest


def check_device(codec: Codec) -> None:
    """Open an encoder of the GPU once, small and plain. Raises DeviceError."""
    if not codec.on_gpu:
        return
    context = av.CodecContext.create(codec.encoder, "w")
    assert isinstance(context, av.VideoCodecContext)
    context.width, context.height, context.pix_fmt = *PROBE_SIZE, "yuv420p"
    context.time_base, context.framerate = Fraction(1, 25), Fraction(25)
    try:
        context.open()
    except (av.error.FFmpegError, OSError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise DeviceError(
            f"{codec.name} needs an NVIDIA GPU with NVENC, and none opens it: {reason}",
            hint=f"codec = {codec.bitstream!r} encodes on the CPU; A100, H100 and H200 have no "
            f"NVENC{', AV1 takes an RTX 40 or newer' if codec.bitstream == 'av1' else ''}.",
        ) from error


def encoder_options(
    codec: Codec, crf: int | None, preset: str | None, pixel: PixelFormat
) -> dict[str, str]:
    """Return FFmpeg options for quality and effort. Raises OptionError for what the codec lacks."""
    options = dict(codec.options)
    check_quality(codec, crf, preset)
    if codec.crf_max:
        options[codec.crf_option] = str(codec.crf if crf is None else crf)
    if codec.name == "prores":
        options["profile"] = preset or ("4444" if pixel.subsampling == (1, 1) else "hq")
    elif codec.name == "dnxhr":
        deep, full = pixel.depth > 8, pixel.subsampling == (1, 1)
        options["profile"] = preset or f"dnxhr_{'444' if full else 'hqx' if deep else 'hq'}"
    elif codec.presets:
        options[codec.preset_option] = preset or codec.preset
    return options


def add_parameters(options: dict[str, str], codec: Codec, hdr: HdrMetadata) -> bool:
    """Put encoder-private settings, static HDR metadata among them, into ``options``.

    Returns whether the encoder can write the metadata. Units: x264 and x265 count chromaticities
    in 0.00002 and luminances in 0.0001 cd/m2; SVT-AV1 takes plain numbers. NVENC has no option
    for them, and PyAV cannot hang them on a frame.
    """
    params = {"hevc": ["log-level=error"]}.get(codec.name, [])
    fine = hdr.mastering_text(0.00002, 0.0001)
    levels = "{},{}".format(*hdr.light_levels) if hdr.light_levels else ""
    if codec.name in ("hevc", "h264"):
        light = "max-cll" if codec.name == "hevc" else "cll"
        params += [f"master-display={fine}"] if fine and codec.name == "hevc" else []
        params += [f"mastering-display={fine}"] if fine and codec.name == "h264" else []
        params += [f"{light}={levels}"] if levels else []
        key = "x265-params" if codec.name == "hevc" else "x264-params"
    elif codec.name == "av1":
        plain = hdr.mastering_text(1, 1)
        params += [f"mastering-display={plain}"] if plain else []
        params += [f"content-light={levels}"] if levels else []
        key = "svtav1-params"
    else:
        return hdr.empty
    if params:
        options[key] = ":".join(params)
    return bool(fine) or hdr.primaries is None


def choose_format(codec: Codec, source: PixelFormat, wanted: str | None) -> tuple[str, PixelFormat]:
    """Return the encoder's pixel format nearest to the source's, or the one asked for.

    Raises OptionError when ``wanted`` is none of the encoder's.
    """
    formats = encoder_formats(codec)
    if wanted is not None:
        check_pixel_format(codec, wanted)
        return wanted, formats[wanted]
    name = min(formats, key=lambda n: _loss(source, formats[n], n))
    return name, formats[name]


def _loss(source: PixelFormat, target: PixelFormat, name: str) -> tuple[float, ...]:
    """Return how much is lost (family, bits, chroma), then how much is wasted."""
    color_lost = target.family == "gray" and source.family != "gray"
    changes = (source.family == "rgb") != (target.family == "rgb") and source.family != "gray"
    bits_lost = max(0, source.depth - target.depth)
    area = 1 if target.family == "gray" else target.subsampling[0] * target.subsampling[1]
    source_area = 4 if source.family == "gray" else source.subsampling[0] * source.subsampling[1]
    chroma_lost = max(0, area - source_area)
    wasted = abs(target.depth - source.depth) + max(0, source_area - area)
    family = source.family != target.family
    return (color_lost, bits_lost, chroma_lost, changes, family, wasted, name != target.name)
