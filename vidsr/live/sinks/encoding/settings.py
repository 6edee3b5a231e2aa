"""Settings of live encoders, each from a measurement of what it costs in time and in bits.

Measured at 1280x720 on one core: x264 ``veryfast`` holds 11 frames back, with ``zerolatency``
none; ``superfast`` takes 7.6 ms a frame where ``veryfast`` takes 14.4. x265 takes 42 ms at its
fastest. SVT-AV1 ``12`` with low delay leaves blocks that have changed from black to white as they
were, at any quality, and ``11`` some; ``10`` shows all, for 8.0 ms at 640x360 instead of 6.0.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from fractions import Fraction

from vidsr.errors import OptionError
from vidsr.live.base.options import EncoderOptions
from vidsr.picture.frame import VideoFormat
from vidsr.picture.pixel_format import PixelFormat
from vidsr.video.hdr import HdrMetadata
from vidsr.video.sink.codec_defaults import CODECS, Codec, check_quality
from vidsr.video.sink.encoder_settings import add_parameters, choose_format
from vidsr.video.sink.output_plan import target_color

PRESETS = {"h264": "superfast", "hevc": "ultrafast", "av1": "10"}
CRF = {"h264": 23.0, "hevc": 26.0, "av1": 35.0}
JPEG_QUALITY = 4.0  # of 1 to 31, where fewer is better; 3 levels of error at most in flat places
# Sliced threads share a picture; below this many pixels a second one gains nothing.
PIXELS_A_THREAD = 600_000


@dataclass(frozen=True)
class LiveSettings:
    """An encoder that is ready to be set up.

    Args:
        codec: The codec, with its encoder's name.
        options: FFmpeg's options of the encoder.
        encoder_format: FFmpeg's name of the pixel format that the encoder gets.
        pictures: Size, samples and colour of what is coded.
        quality: JPEG's quality, 0 for encoders that have options for it.
        threads: Threads of the encoder.
    """

    codec: Codec
    options: dict[str, str]
    encoder_format: str
    pictures: VideoFormat
    quality: float
    threads: int


def check_options(options: EncoderOptions) -> None:
    """Raise OptionError for a preset or a quality that the encoder does not have."""
    codec = live_codec(options)
    check_quality(codec, None, options.preset)
    most = codec.crf_max or 31
    if options.crf is not None and not 0 <= options.crf <= most:
        raise OptionError(f"crf = {options.crf:g} with {options.codec}: expected 0 to {most}.")
    if options.intra_refresh and options.codec not in ("h264", "hevc"):
        raise OptionError(f"intra_refresh with {options.codec}: expected codec h264 or hevc.")


def live_codec(options: EncoderOptions) -> Codec:
    """Return the codec that the options name."""
    return CODECS["jpeg" if options.codec == "mjpeg" else options.codec]


def plan_encoder(
    options: EncoderOptions, pictures: VideoFormat, rate: Fraction, hdr: HdrMetadata
) -> LiveSettings:
    """Return the settings for pictures of a format.

    Args:
        options: The choices.
        pictures: Size, samples and colour of the frames that come.
        rate: Frames a second, nominally.
        hdr: Metadata that go into the stream where the codec holds them.
    """
    codec = live_codec(options)
    name, pixel = choose_format(codec, _shown(pictures, options.codec), None)
    settings = _rates(options, codec) | _low_delay(options, rate)
    metadata: dict[str, str] = {}
    add_parameters(metadata, codec, hdr)
    for key, value in metadata.items():
        settings[key] = f"{settings[key]}:{value}" if key in settings else value
    color = target_color(pictures, pixel, codec)
    if options.codec in ("h264", "hevc") and pixel.subsampling == (2, 2):
        settings["chroma_sample_location"] = color.siting
    size = pictures.width, pictures.height
    threads = min(os.cpu_count() or 1, 1 + size[0] * size[1] // PIXELS_A_THREAD)
    return LiveSettings(
        codec=codec,
        options=settings,
        encoder_format=name,
        pictures=VideoFormat(*size, pixel, color),
        quality=_jpeg_quality(options) if options.codec == "mjpeg" else 0.0,
        threads=threads,
    )


def _shown(pictures: VideoFormat, codec: str) -> PixelFormat:
    """Return the samples that players and hardware decoders show: 4:2:0, 10 bits at most.

    H.264 of 10 bits is decoded by software alone, and kept for HDR, which 8 bits cannot hold.
    """
    even = pictures.width % 2 == 0 and pictures.height % 2 == 0
    wide = pictures.color.transfer in (16, 18)  # PQ and HLG
    deep = pictures.pixel.depth > 8 and codec != "mjpeg" and (codec != "h264" or wide)
    return PixelFormat("yuv", 10 if deep else 8, (2, 2) if even else (1, 1))


def _rates(options: EncoderOptions, codec: Codec) -> dict[str, str]:
    """Return effort, quality and limits of the rate."""
    if options.codec == "mjpeg":  # RTP takes no other tables
        return {"qmin": "1", "qmax": "31", "huffman": "default"}
    rates = {codec.preset_option: options.preset or PRESETS[options.codec]}
    if options.bitrate is not None:
        rates["b"] = str(options.bitrate)
    if options.crf is not None or options.bitrate is None:
        rates[codec.crf_option] = f"{CRF[options.codec] if options.crf is None else options.crf:g}"
    return rates


def _low_delay(options: EncoderOptions, rate: Fraction) -> dict[str, str]:
    """Return what makes an encoder give each frame at once, and key frames in time."""
    if options.codec == "mjpeg":
        return {}
    settings = {"g": str(max(1, round(options.keyframe_s * rate)))}
    if options.codec in ("h264", "hevc"):
        settings |= {"tune": "zerolatency", "bf": "0", "forced-idr": "1"}
    if options.codec == "h264" and options.intra_refresh:
        settings["intra-refresh"] = "1"
    if options.codec == "hevc":
        refresh = ":intra-refresh=1" if options.intra_refresh else ""
        settings["x265-params"] = f"frame-threads=1:bframes=0{refresh}"
    if options.codec == "av1":
        settings["svtav1-params"] = "pred-struct=1:rtc=1"
    if options.maxrate is not None:
        buffer = round(options.maxrate * options.buffer_frames / rate)
        settings |= {"maxrate": str(options.maxrate), "bufsize": str(buffer)}
    return settings


def _jpeg_quality(options: EncoderOptions) -> float:
    return JPEG_QUALITY if options.crf is None else max(1.0, options.crf)
