"""The encoders vidsr offers, what each may be told, and how one is opened."""

from __future__ import annotations

from dataclasses import dataclass, field
from difflib import get_close_matches
from fractions import Fraction

import av

from vidsr.errors import DeviceError, OptionError
from vidsr.picture.frame import Family, PixelFormat
from vidsr.video.hdr import HdrMetadata

_X26X_PRESETS = (
    *("ultrafast", "superfast", "veryfast", "faster", "fast"),
    *("medium", "slow", "slower", "veryslow", "placebo"),
)
_NVENC_PRESETS = tuple(f"p{number}" for number in range(1, 8))
# Constant quality in NVENC's words: variable rate around a quality, without the rate's limit,
# which FFmpeg would else set to 2 Mbit/s.
_NVENC_OPTIONS = {"rc": "vbr", "b": "0"}


@dataclass(frozen=True)
class Codec:
    """One value of ``--codec``. ``crf_max`` 0 means that the encoder knows no quality setting.

    ``max_rate`` is the highest nominal frame rate it takes; timestamps may be closer than that.
    ``formats`` are the pixel formats to choose from, empty for all that the encoder lists.
    """

    name: str
    encoder: str
    crf_max: int = 0
    crf: int = 0
    presets: tuple[str, ...] = ()
    preset: str = ""
    options: dict[str, str] = field(default_factory=dict)
    preset_option: str = "preset"
    families: tuple[Family, ...] = ("yuv", "gray", "rgb")
    formats: tuple[str, ...] = ()
    jpeg_range: bool = False
    max_rate: int = 100_000
    crf_min: int = 0
    crf_option: str = "crf"

    @property
    def bitstream(self) -> str:
        """What it writes, in FFmpeg's words where containers and players care: ``hevc``."""
        return self.name.removesuffix("_nvenc")

    @property
    def on_gpu(self) -> bool:
        return self.name.endswith("_nvenc")


def _nvenc(name: str, crf_max: int, crf: int, *formats: str) -> Codec:
    """An encoder of NVIDIA's graphics cards. FFmpeg reads quality 0 as "choose one yourself".

    ``crf`` is the number of the encoder on the processor; how the two compare is not measured.
    ``max_rate`` because a level is chosen from size and rate: 3840x2160 at the 600 or 1000 fps
    that some containers announce is beyond the last level of H.264.
    """
    return Codec(
        *(name, name, crf_max, crf),
        crf_min=1,
        crf_option="cq",
        presets=_NVENC_PRESETS,
        preset="p4",  # NVENC's own default, the middle of its seven
        options=_NVENC_OPTIONS,
        formats=formats,
        max_rate=240,
    )


# Defaults aim at "no visible loss": the enlarged picture is smooth and cheap to code well.
CODECS = {
    c.name: c
    for c in (
        Codec("h264", "libx264", 51, 17, _X26X_PRESETS, "veryfast"),
        Codec("hevc", "libx265", 51, 19, _X26X_PRESETS, "fast"),
        Codec("av1", "libsvtav1", 63, 24, tuple(map(str, range(14))), "8", max_rate=240),
        Codec(
            *("vp9", "libvpx-vp9", 63, 22, tuple(map(str, range(9))), "4"),
            options={"b": "0", "deadline": "good", "row-mt": "1"},
            preset_option="cpu-used",
        ),
        Codec(
            *("prores", "prores_ks", 0, 0),
            presets=("proxy", "lt", "standard", "hq", "4444", "4444xq"),
            preset_option="profile",
        ),
        Codec("ffv1", "ffv1", options={"level": "3", "slicecrc": "1"}),
        Codec("png", "png", options={"pred": "mixed"}),
        Codec("jpeg", "mjpeg", options={"qmin": "1", "qmax": "2"}, jpeg_range=True),
        Codec("tiff", "tiff", families=("gray", "rgb")),
        # FFmpeg lists every format for all three; these are what the bitstreams and cards of the
        # last years share: 10 bits of H.264 and 4:2:2 need the newest, AV1 has 4:2:0 alone.
        _nvenc("h264_nvenc", 51, 17, "yuv420p", "yuv444p"),
        _nvenc("hevc_nvenc", 51, 19, "yuv420p", "p010le", "yuv444p", "yuv444p10msble"),
        _nvenc("av1_nvenc", 63, 24, "yuv420p", "p010le"),
    )
}


PROBE_SIZE = (640, 480)  # above the least size of every NVENC, far below the largest
OTHER_NAMES = {c.encoder: c.name for c in CODECS.values()} | {
    "h265": "hevc",
    "x265": "hevc",
    "avc": "h264",
    "x264": "h264",
    "prores_ks": "prores",
    "mjpeg": "jpeg",
    "jpg": "jpeg",
    "tif": "tiff",
    "nvenc": "h264_nvenc",
}


def find_codec(name: str) -> Codec:
    """The codec of that name. Raises OptionError."""
    if name in CODECS:
        return CODECS[name]
    close = [OTHER_NAMES[name]] if name in OTHER_NAMES else get_close_matches(name, CODECS, 1)
    hint = f"did you mean {close[0]}?" if close else ""
    raise OptionError(f"--codec {name}: unknown; allowed: {', '.join(CODECS)}.", hint=hint)


def check_device(codec: Codec) -> None:
    """Open an encoder of the graphics card once, small and plain. Raises DeviceError."""
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
            hint=f"--codec {codec.bitstream} encodes on the processor; A100, H100 and H200 have no "
            f"NVENC{', AV1 takes an RTX 40 or newer' if codec.bitstream == 'av1' else ''}.",
        ) from error


def encoder_options(
    codec: Codec, crf: int | None, preset: str | None, pixel: PixelFormat
) -> dict[str, str]:
    """FFmpeg options for quality and effort. Raises OptionError for what the codec lacks."""
    options = dict(codec.options)
    if crf is not None and not (codec.crf_max and codec.crf_min <= crf <= codec.crf_max):
        span = f"{codec.crf_min} to {codec.crf_max}"
        allowed = span if codec.crf_max else "none, it has no quality setting"
        raise OptionError(f"--crf {crf} with {codec.name}: allowed is {allowed}.")
    if codec.crf_max:
        options[codec.crf_option] = str(codec.crf if crf is None else crf)
    if preset is not None and preset not in codec.presets:
        allowed = ", ".join(codec.presets) or "none"
        raise OptionError(f"--preset {preset} with {codec.name}: allowed: {allowed}.")
    if codec.name == "prores":
        options["profile"] = preset or ("4444" if pixel.subsampling == (1, 1) else "hq")
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


def encoder_formats(codec: Codec) -> dict[str, PixelFormat]:
    """FFmpeg format name -> the planar format that maps onto it without loss."""
    formats: dict[str, PixelFormat] = {}
    for video_format in av.Codec(codec.encoder, "w").video_formats or ():
        name, bits = video_format.name, [c.bits for c in video_format.components]
        if codec.formats and name not in codec.formats:
            continue
        has_alpha = len(bits) in (2, 4)
        if has_alpha or video_format.has_palette or min(bits) < 8 or "f16" in name or "f32" in name:
            continue
        pixel = PixelFormat.nearest(name.replace("yuvj", "yuv"))
        exact = pixel.depth == max(bits) and not name.startswith(("yuv440", "yuv411", "yuv410"))
        exact &= pixel.family in codec.families
        exact &= codec.jpeg_range or not name.startswith("yuvj")
        exact &= name.startswith("yuvj") or not codec.jpeg_range
        if exact and (pixel not in formats.values() or name == pixel.name):
            formats[name] = pixel
    return formats


def choose_format(codec: Codec, source: PixelFormat, wanted: str | None) -> tuple[str, PixelFormat]:
    """The encoder's pixel format nearest to the source's, or the one asked for.

    Raises OptionError when ``wanted`` is none of the encoder's.
    """
    formats = encoder_formats(codec)
    if wanted is not None:
        if wanted not in formats:
            raise OptionError(
                f"--pix-fmt {wanted} with {codec.name}: allowed: {', '.join(formats)}."
            )
        return wanted, formats[wanted]
    name = min(formats, key=lambda n: _loss(source, formats[n], n))
    return name, formats[name]


def _loss(source: PixelFormat, target: PixelFormat, name: str) -> tuple[float, ...]:
    """How much is lost (family, bits, chroma), then how much is wasted; smaller is better."""
    color_lost = target.family == "gray" and source.family != "gray"
    changes = (source.family == "rgb") != (target.family == "rgb") and source.family != "gray"
    bits_lost = max(0, source.depth - target.depth)
    area = 1 if target.family == "gray" else target.subsampling[0] * target.subsampling[1]
    source_area = 4 if source.family == "gray" else source.subsampling[0] * source.subsampling[1]
    chroma_lost = max(0, area - source_area)
    wasted = abs(target.depth - source.depth) + max(0, source_area - area)
    family = source.family != target.family
    return (color_lost, bits_lost, chroma_lost, changes, family, wasted, name != target.name)
