"""Protocols of the parts that a stream is composed of, beside those that all of live shares."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from fractions import Fraction
from typing import TYPE_CHECKING, Protocol

from vidsr.live.base.formats import CodedFormat, SoundFormat
from vidsr.live.base.items import CodedPacket

if TYPE_CHECKING:
    from vidsr.picture.frame import Frame, VideoFormat


class Encoder(Protocol):
    """An encoder of one format, for use by one thread."""

    @property
    def format(self) -> CodedFormat:
        """The description of what it makes."""
        ...

    def encode(self, frame: Frame) -> Iterable[CodedPacket]:
        """Return the packets that are ready after ``frame``, whose planes are read meanwhile."""
        ...

    def want_key_frame(self) -> None:
        """Make the next frame a key frame. Callable from any thread."""
        ...

    def finish(self) -> Iterable[CodedPacket]:
        """Return what was held back, and end."""
        ...


EncoderMaker = Callable[["VideoFormat", Fraction, SoundFormat | None], Encoder]


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
