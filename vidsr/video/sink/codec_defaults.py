"""The codecs that vidsr writes: names, encoders, ranges of quality and effort.

Nothing of PyAV or PyTorch is imported: a command refuses ``--crf 999`` before it loads them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from vidsr.errors import OptionError
from vidsr.option_values import nearest

if TYPE_CHECKING:
    from vidsr.picture.frame import Family

# FFmpeg writes anything into a transport stream as private data; only these come out again.
MPEGTS_CODECS = (
    *("aac", "aac_latm", "mp2", "mp3", "ac3", "eac3", "dts", "truehd", "opus"),
    *("h264", "hevc", "mpeg2video", "mpeg1video", "mpeg4", "dvb_subtitle", "dvb_teletext"),
)

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
    ``bt601`` is True where readers assume that matrix whatever a file says.
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
    bt601: bool = False
    max_rate: int = 100_000
    crf_min: int = 0
    crf_option: str = "crf"

    @property
    def bitstream(self) -> str:
        """The coding that it writes, as FFmpeg, containers and players name it: ``hevc``."""
        return self.name.removesuffix("_nvenc")

    @property
    def on_gpu(self) -> bool:
        return self.name.endswith("_nvenc")


def _nvenc(name: str, crf_max: int, crf: int, *formats: str) -> Codec:
    """Return an encoder of NVIDIA's GPUs. FFmpeg reads quality 0 as "choose one yourself".

    ``crf`` is the number of the encoder on the CPU; how the two compare is not measured.
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


# Defaults aim at "no visible loss": the upscaled picture is smooth and cheap to code well.
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
        Codec("gif", "gif", families=("rgb",), formats=("pal8",), max_rate=100),
        Codec("apng", "apng", options={"pred": "mixed"}, families=("gray", "rgb")),
        Codec("webp", "libwebp", options={"quality": "95"}, families=("yuv",), bt601=True),
        Codec(
            *("dnxhr", "dnxhd", 0, 0),
            presets=("dnxhr_lb", "dnxhr_sq", "dnxhr_hq", "dnxhr_hqx", "dnxhr_444"),
            preset_option="profile",
            families=("yuv",),
        ),
        Codec("raw", "rawvideo"),
        # FFmpeg lists every format for all three; these are what the bitstreams and cards of the
        # last years share: 10 bits of H.264 and 4:2:2 need the newest, AV1 has 4:2:0 alone.
        _nvenc("h264_nvenc", 51, 17, "yuv420p", "yuv444p"),
        _nvenc("hevc_nvenc", 51, 19, "yuv420p", "p010le", "yuv444p", "yuv444p10msble"),
        _nvenc("av1_nvenc", 63, 24, "yuv420p", "p010le"),
    )
}

OTHER_NAMES = {c.encoder: c.name for c in CODECS.values()} | {
    "h265": "hevc",
    "x265": "hevc",
    "avc": "h264",
    "x264": "h264",
    "prores_ks": "prores",
    "mjpeg": "jpeg",
    "jpg": "jpeg",
    "tif": "tiff",
    "dnxhd": "dnxhr",
    "nvenc": "h264_nvenc",
}


def find_codec(name: str) -> Codec:
    """Return the codec of that name. Raises OptionError."""
    if name in CODECS:
        return CODECS[name]
    near = OTHER_NAMES.get(name) or nearest(name, CODECS)
    hint = f"did you mean {near}?" if near else ""
    raise OptionError(f"codec = {name!r}: expected one of {', '.join(CODECS)}.", hint=hint)


def check_quality(codec: Codec, crf: int | None, preset: str | None) -> None:
    """Raise OptionError for a quality or an effort that the encoder does not have."""
    if crf is not None and not (codec.crf_max and codec.crf_min <= crf <= codec.crf_max):
        span = f"{codec.crf_min} to {codec.crf_max}"
        expected = span if codec.crf_max else "none, it has no quality setting"
        raise OptionError(f"crf = {crf} with {codec.name}: expected {expected}.")
    if preset is not None and preset not in codec.presets:
        expected = f"one of {', '.join(codec.presets)}" if codec.presets else "none"
        raise OptionError(f"preset = {preset!r} with {codec.name}: expected {expected}.")
