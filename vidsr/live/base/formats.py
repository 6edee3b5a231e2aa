"""Descriptions of what a live stream carries, before its first item and at every change."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from vidsr.picture.frame import VideoFormat
    from vidsr.video.info import SourceInfo


@dataclass(frozen=True)
class SoundFormat:
    """Sound as it is coded.

    Args:
        codec: FFmpeg's name, such as ``aac`` or ``pcm_alaw``.
        rate_hz: Samples a second.
        layout: FFmpeg's name of the channels' layout, such as ``stereo``.
        extradata: The decoder's set-up, empty for codecs without one.
        bit_rate: Bits a second, None where the source does not say.
    """

    codec: str
    rate_hz: int
    layout: str
    extradata: bytes = b""
    bit_rate: int | None = None


@dataclass(frozen=True)
class SourceFormat:
    """A live source as its newest connection presents it.

    Args:
        video: The pictures, as the first frame shows them.
        sound: The sound that comes with them, None for none.
    """

    video: SourceInfo
    sound: SoundFormat | None = None


@dataclass(frozen=True)
class CodedFormat:
    """Coded video and sound as a sink gets them.

    Args:
        codec: FFmpeg's name of the video's codec, such as ``h264``.
        pictures: Size, samples and colour.
        rate: Frames a second, as far as known; frames have times of their own.
        extradata: The encoder's parameter sets, with start codes for H.264 and H.265.
        sound: The sound beside it, None for none.
        sample_aspect_ratio: Width of a sample through its height.
    """

    codec: str
    pictures: VideoFormat
    rate: Fraction
    extradata: bytes = b""
    sound: SoundFormat | None = None
    sample_aspect_ratio: Fraction = Fraction(1)
