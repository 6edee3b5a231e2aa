"""Codecs offered as a degradation, and the bounds of their settings."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from vidsr.errors import OptionError
from vidsr.video.codec_kinds import CODEC_KINDS

LOOKAHEAD_FRAMES = 10  # frames held back by an encoder; more costs memory and looks no different


CODECS = CODEC_KINDS
PRESETS = ("ultrafast", "superfast", "veryfast", "faster", "fast", "medium")


@dataclass(frozen=True, kw_only=True)
class CodecSettings:
    """Settings of a codec. Of ``quality`` (smaller is better) and ``bitrate_kbps`` one is given.

    ``gop_frames`` is the longest way from one key frame to the next, ``rate`` frames a second,
    which only the bit rate needs. ``preset`` is for h264 and h265.
    """

    codec: str = "h264"
    quality: int | None = None
    bitrate_kbps: float | None = None
    gop_frames: int = 250
    b_frames: int | None = None
    preset: str = "veryfast"
    rate: Fraction = Fraction(25)

    def __post_init__(self) -> None:
        if self.codec not in CODECS:
            raise OptionError(f"codec: expected one of {', '.join(CODECS)}, got {self.codec!r}")
        if (self.quality is None) == (self.bitrate_kbps is None):
            raise OptionError("expected one of quality and bitrate_kbps")
        kind = CODECS[self.codec]
        if self.quality is not None and not kind.lowest <= self.quality <= kind.highest:
            bounds = f"expected {kind.lowest} to {kind.highest}, got {self.quality}"
            raise OptionError(f"{kind.quality} of {self.codec}: {bounds}")
        if self.bitrate_kbps is not None and self.bitrate_kbps <= 0:
            raise OptionError(f"bitrate_kbps: expected more than 0, got {self.bitrate_kbps}")
        if self.gop_frames < 1 or self.preset not in PRESETS:
            raise OptionError(
                f"expected gop_frames from 1 and a preset of {', '.join(PRESETS)}, "
                f"got {self.gop_frames} and {self.preset!r}"
            )

    def encoder_options(self) -> dict[str, str]:
        """Return FFmpeg's options of the encoder."""
        options: dict[str, str] = {}
        if self.quality is not None:
            value = str(self.quality)
            if CODECS[self.codec].quality == "qscale":
                options |= {"qmin": value, "qmax": value}
            else:
                options["crf"] = value
        if self.codec == "h264":
            # Without cpu-independent 30 runs of 7 frames gave 3 different streams.
            params = f"threads=1:cpu-independent=1:rc-lookahead={LOOKAHEAD_FRAMES}"
            return options | {"preset": self.preset, "x264-params": params}
        if self.codec == "h265":
            # Pictures as small as one coding tree unit of 64 gave 16 different streams in 30 runs.
            params = (
                f"log-level=none:pools=none:frame-threads=1:ctu=32:rc-lookahead={LOOKAHEAD_FRAMES}"
            )
            return options | {"preset": self.preset, "x265-params": params}
        if self.codec == "vp9":
            options |= {"deadline": "realtime", "cpu-used": "6", "lag-in-frames": "0"}
        if self.codec == "av1":
            options |= {"preset": "8", "svtav1-params": f"lp=1:lookahead={LOOKAHEAD_FRAMES}"}
        if self.codec == "mjpeg":
            options["strict"] = "unofficial"  # limited range
        return options
