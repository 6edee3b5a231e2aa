"""Protocols of the parts that a stream is composed of, beside those that all of live shares."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from fractions import Fraction
from typing import TYPE_CHECKING, Protocol

from vidsr.live.base.formats import CodedFormat, SoundFormat
from vidsr.live.base.items import CodedPacket
from vidsr.live.base.roles import LiveSource, PictureSink, SinkEvents
from vidsr.video.hdr import HdrMetadata

if TYPE_CHECKING:
    from vidsr.live.schedule.levels.level import Level
    from vidsr.picture.frame import Frame


class Encoder(Protocol):
    """An encoder for use by one thread, which sets itself up anew where frames change format."""

    @property
    def format(self) -> CodedFormat | None:
        """The description of what it has made; another object after that has changed."""
        ...

    def encode(self, frame: Frame, *, clock_ns: int | None = None) -> Iterable[CodedPacket]:
        """Return the packets that are ready after ``frame``, whose planes are read meanwhile."""
        ...

    def want_key_frame(self) -> None:
        """Make the next frame a key frame. Callable from any thread."""
        ...

    def close(self) -> None:
        """Give the encoder up."""
        ...


@dataclass(frozen=True)
class Surroundings:
    """Facts of a stream that an encoder does not see in its frames.

    Args:
        rate: Frames a second.
        aspect: Width of a sample of the output through its height.
        hdr: Metadata of the light.
        sound: The sound beside the pictures, None for none.
    """

    rate: Fraction = Fraction(25)
    aspect: Fraction = Fraction(1)
    hdr: HdrMetadata = field(default_factory=HdrMetadata)
    sound: SoundFormat | None = None


EncoderMaker = Callable[[Surroundings], Encoder]


class PacketOutput(Protocol):
    """All sinks of coded packets of a stream, as one."""

    def open(self, format: CodedFormat) -> None:
        """Take the format of what follows."""
        ...

    def write(self, packet: CodedPacket) -> None:
        """Take a packet, and return at once."""
        ...

    def close(self) -> None:
        """Pass on what is there and end within two seconds."""
        ...


@dataclass(frozen=True)
class Sinks:
    """The sinks of a stream.

    Args:
        packets: Those of coded packets as one, None for none.
        pictures: Those of pictures.
    """

    packets: PacketOutput | None = None
    pictures: tuple[PictureSink, ...] = ()


@dataclass(frozen=True)
class Ways:
    """Makers of a stream's parts, which are built when it starts.

    Args:
        source: The way to its source.
        sinks: The way to its sinks. It gets the one to whom they report, and a function that
            returns frames a second once there is a picture.
        encoder: The way to its encoder.
        levels: The way to its levels of quality, best first.
    """

    source: Callable[[], LiveSource]
    sinks: Callable[[SinkEvents, Callable[[], Fraction]], Sinks]
    encoder: EncoderMaker
    levels: Callable[[], tuple[Level, ...]]
