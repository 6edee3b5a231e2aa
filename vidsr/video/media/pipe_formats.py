"""The formats of pipes: their names for people, for FFmpeg, and what they are read with."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from vidsr.errors import OptionError
from vidsr.picture.size import Size

MUXERS = {"nut": "nut", "ts": "mpegts", "y4m": "yuv4mpegpipe", "raw": "rawvideo"}
"""FFmpeg's names of muxers and demuxers, by the values of ``format`` and ``input_format``."""
WORDS = {"nut": "NUT", "mpegts": "MPEG-TS", "yuv4mpegpipe": "Y4M", "rawvideo": "raw video"}
"""Names for messages, by FFmpeg's."""
ONE_STREAM = ("yuv4mpegpipe", "rawvideo")
"""Formats that hold one stream of video and no times."""
DEFAULT = "nut"
_SUFFIXES = {".nut": "nut", ".ts": "ts", ".m2ts": "ts", ".y4m": "y4m", ".yuv": "raw"}


def muxer_for(wanted: str | None, suffix: str) -> str:
    """Return FFmpeg's name of the format of a pipe: the one asked for, or by a FIFO's suffix."""
    return MUXERS[wanted or _SUFFIXES.get(suffix, DEFAULT)]


@dataclass(frozen=True)
class InputLayout:
    """What a source is in, where somebody says so.

    Args:
        format: ``nut``, ``ts``, ``y4m`` or ``raw``; None to find out.
        size: The size of raw pictures.
        pix_fmt: FFmpeg's name of the pixel format of raw pictures; None is ``yuv420p``.
    """

    format: str | None = None
    size: Size | None = None
    pix_fmt: str | None = None

    def check(self, framerate: Fraction | None) -> None:
        """Raise OptionError for raw video without a size and a rate, and for a size without it."""
        if self.format != "raw":
            for name in ("size", "pix_fmt"):
                if getattr(self, name) is not None:
                    raise OptionError(
                        f"`input_{name}` is given for a source that states it itself.",
                        hint="input_format = 'raw' reads raw pictures.",
                    )
            return
        if self.size is None or framerate is None:
            raise OptionError(
                "input_format = 'raw': expected `input_size` and `framerate` beside it.",
                hint="raw pictures do not say how large and how fast they are.",
            )

    @property
    def demuxer(self) -> str | None:
        """FFmpeg's name of the demuxer, None to find out."""
        return None if self.format is None else MUXERS[self.format]

    def options(self, framerate: Fraction | None) -> dict[str, str]:
        """Return the demuxer's options."""
        if self.format != "raw":
            return {}
        return {
            "video_size": str(self.size),
            "pixel_format": self.pix_fmt or "yuv420p",
            "framerate": str(framerate),
        }
