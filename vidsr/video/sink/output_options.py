"""The choices about a target, and what can be said of them before a source is opened.

Wrong choices are refused at once: PyTorch is not imported, PyAV for names of pixel formats only.
"""

from __future__ import annotations

from dataclasses import dataclass

from vidsr.errors import OptionError
from vidsr.option_values import AudioChoice
from vidsr.video.sink.codec_defaults import (
    CODECS,
    MPEGTS_CODECS,
    Codec,
    check_quality,
    find_codec,
)
from vidsr.video.sink.encoder_formats import check_pixel_format
from vidsr.video.sink.target_file import Target

_PICTURES = {
    ".jpg": "jpeg",
    ".jpeg": "jpeg",
    ".tif": "tiff",
    ".tiff": "tiff",
    ".webp": "webp",
}
# Of containers that take few codecs: the first is the default, the last the one for more bits.
_FEW = {
    "gif": ("gif",),
    "apng": ("apng",),
    "webp": ("webp",),
    "avif": ("av1", "av1_nvenc", "av1"),
    "avi": ("jpeg", "h264", "h264_nvenc", "ffv1"),
    "mxf": ("dnxhr",),
    "yuv4mpegpipe": ("raw",),
    "rawvideo": ("raw",),
    "nut": ("raw", "h264", "hevc", "av1", "vp9", "ffv1", "h264_nvenc", "hevc_nvenc", "raw"),
}
_NOWHERE_ELSE = ("gif", "apng", "webp", "raw")


@dataclass(frozen=True, kw_only=True)
class OutputOptions:
    """The user's choices about the target; None leaves a choice to the source."""

    codec: str | None = None
    crf: int | None = None
    preset: str | None = None
    pix_fmt: str | None = None
    bitrate: int | None = None
    maxrate: int | None = None
    encoder_option: tuple[str, ...] | None = None
    audio: AudioChoice = "copy"
    streams: str | None = None
    drop_incompatible: bool = False
    overwrite: bool = False


def default_codec(target: Target, *, deep: bool, large: bool) -> Codec:
    """Return the codec for a target of which nobody named one.

    H.264 for 8 bits, HEVC for more (``deep``) or for pictures beyond 4096 (``large``); VP9 or AV1
    in WebM; for pictures what the suffix says; raw pictures in pipes, but for transport streams.
    """
    if target.container == "image2":
        return CODECS[_PICTURES.get(target.path.suffix.lower(), "png")]
    if target.container in _FEW:
        return CODECS[_FEW[target.container][-1 if deep else 0]]
    if target.container == "webm":
        return CODECS["av1" if deep else "vp9"]
    return CODECS["hevc" if deep or large else "h264"]


def check_pair(codec: Codec, target: Target) -> None:
    """Refuse what FFmpeg writes without complaint and nobody can read. Raises OptionError."""
    suffix = target.holder
    if target.container == "image2":
        picture = default_codec(target, deep=False, large=False)
        if codec != picture:
            raise OptionError(
                f"codec = {codec.name!r}: {suffix} pictures are {picture.name}.",
                hint="leave `codec` out.",
            )
    few = _FEW.get(target.container, ())
    if few and codec.name not in few:
        expected = ", ".join(dict.fromkeys(few))
        raise OptionError(f"codec = {codec.name!r}: {suffix} holds {expected} alone.")
    if codec.name in _NOWHERE_ELSE and not few and target.container != "image2":
        raise OptionError(f"codec = {codec.name!r}: {suffix} cannot hold it.")
    if target.container == "mpegts" and codec.bitstream not in MPEGTS_CODECS:
        raise OptionError(
            f"codec = {codec.name!r}: {suffix} cannot hold it; expected h264, hevc, "
            f"h264_nvenc or hevc_nvenc."
        )


def check_encoding(options: OutputOptions, target: Target) -> None:
    """Raise OptionError for choices that are wrong with every source.

    Where no codec is named, that is what neither of those that the target may get can do.
    """
    if options.codec is not None:
        codec = find_codec(options.codec)
        check_pair(codec, target)
        return _check_choices(codec, options)
    refusals = []
    for deep in (False, True):
        try:
            return _check_choices(default_codec(target, deep=deep, large=False), options)
        except OptionError as error:
            refusals.append(error)
    raise refusals[0]


def _check_choices(codec: Codec, options: OutputOptions) -> None:
    for name in ("bitrate", "maxrate"):
        rate = getattr(options, name)
        if rate is not None and not codec.crf_max:
            raise OptionError(f"{name} = {rate} with {codec.name}: expected none.")
    check_quality(codec, options.crf, options.preset)
    if options.pix_fmt is not None:
        check_pixel_format(codec, options.pix_fmt)
