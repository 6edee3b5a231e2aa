"""Coded streams in plain words and numbers, as a muxer needs them and a pipe carries them.

PyTorch is not loaded: a process that sends packets does without it.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from vidsr.live.base.formats import SoundFormat

if TYPE_CHECKING:
    from vidsr.live.base.formats import CodedFormat


@dataclass(frozen=True)
class MuxFormat:
    """Parameters of coded video and of the sound beside it.

    Args:
        codec: FFmpeg's name of the video's codec.
        width: Pixels across.
        height: Pixels down.
        pixel_format: FFmpeg's name of the samples.
        color: Matrix, range, primaries and transfer, by the numbers of H.273.
        rate: Frames a second, nominally.
        aspect: Width of a sample through its height.
        extradata: The encoder's parameter sets.
        sound: The sound, None for none.
    """

    codec: str
    width: int
    height: int
    pixel_format: str
    color: tuple[int, int, int, int]
    rate: Fraction
    aspect: Fraction = Fraction(1)
    extradata: bytes = b""
    sound: SoundFormat | None = None

    @classmethod
    def of(cls, format: CodedFormat) -> MuxFormat:
        """Return the parameters of an encoder's format."""
        pictures, color = format.pictures, format.pictures.color
        return cls(
            codec=format.codec,
            width=pictures.width,
            height=pictures.height,
            pixel_format=pictures.pixel.name,
            color=(color.matrix, color.range, color.primaries, color.transfer),
            rate=format.rate,
            aspect=format.sample_aspect_ratio,
            extradata=format.extradata,
            sound=format.sound,
        )

    def to_json(self) -> dict[str, Any]:
        """Return what ``from_json`` reads."""
        sound = self.sound and {
            "codec": self.sound.codec,
            "rate_hz": self.sound.rate_hz,
            "layout": self.sound.layout,
            "extradata": self.sound.extradata.hex(),
            "bit_rate": self.sound.bit_rate,
        }
        return {
            "codec": self.codec,
            "size": [self.width, self.height],
            "pixel_format": self.pixel_format,
            "color": list(self.color),
            "rate": str(self.rate),
            "aspect": str(self.aspect),
            "extradata": self.extradata.hex(),
            "sound": sound,
        }

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> MuxFormat:
        """Return the format that ``to_json`` has written."""
        sound = data["sound"]
        if sound is not None:
            sound = SoundFormat(**{**sound, "extradata": bytes.fromhex(sound["extradata"])})
        matrix, value_range, primaries, transfer = data["color"]
        return cls(
            codec=data["codec"],
            width=data["size"][0],
            height=data["size"][1],
            pixel_format=data["pixel_format"],
            color=(matrix, value_range, primaries, transfer),
            rate=Fraction(data["rate"]),
            aspect=Fraction(data["aspect"]),
            extradata=bytes.fromhex(data["extradata"]),
            sound=sound,
        )
