"""The coding end of a stream: pictures to picture sinks, and coded to all others."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from fractions import Fraction

from vidsr.live.base.counters import Counters
from vidsr.live.base.formats import SoundFormat
from vidsr.live.base.items import CodedPacket
from vidsr.live.base.roles import PictureSink
from vidsr.live.streams.parts import Encoder, EncoderMaker, PacketOutput
from vidsr.picture.frame import Frame, VideoFormat

Description = tuple[VideoFormat, Fraction, SoundFormat | None]


class Coding:
    """Encoder and sinks of a stream, for use by its output thread.

    Where pictures or sound change their format, the encoder is built anew between two frames.

    Args:
        make_encoder: The way to an encoder.
        packets: The sinks of packets, None for none: nothing is encoded then.
        pictures: The sinks of pictures.
        counters: Where the time of the stages is noted.
    """

    def __init__(
        self,
        make_encoder: EncoderMaker,
        packets: PacketOutput | None,
        pictures: Sequence[PictureSink],
        counters: Counters,
    ) -> None:
        self._make, self._packets, self._pictures = make_encoder, packets, tuple(pictures)
        self._counters = counters
        self._encoder: Encoder | None = None
        self._made_for: Description | None = None
        self._key_wanted = False

    def show(self, frame: Frame, rate: Fraction, sound: SoundFormat | None) -> None:
        """Pass a picture on to every sink."""
        begun_s = time.monotonic()
        packets = self._encoded(frame, rate, sound)
        coded_s = time.monotonic()
        for packet in packets:
            self._write(packet)
        for sink in self._pictures:
            sink.show(frame)
        if self._packets is not None:
            self._counters.took("encode", coded_s - begun_s)
        self._counters.took("send", time.monotonic() - coded_s)

    def sound(self, packets: Iterable[CodedPacket]) -> None:
        """Pass sound on. Before the first picture, and where no sink takes packets, it is lost."""
        for packet in packets:
            if self._made_for is not None and self._made_for[2] is not None:
                self._write(packet)

    def want_key_frame(self) -> None:
        """Make the next picture a key frame. Callable from any thread."""
        self._key_wanted = True

    def close(self) -> None:
        """Pass on what the encoder holds, and close all sinks."""
        try:
            self._finish()
        finally:
            if self._packets is not None:
                self._packets.close()
            for sink in self._pictures:
                sink.close()

    def _encoded(
        self, frame: Frame, rate: Fraction, sound: SoundFormat | None
    ) -> Iterable[CodedPacket]:
        if self._packets is None:
            return ()
        described = (frame.format, rate, sound)
        if described != self._made_for or self._encoder is None:
            self._finish()
            self._encoder = self._make(*described)
            self._made_for = described
            self._packets.open(self._encoder.format)
        elif self._key_wanted:
            self._encoder.want_key_frame()
        self._key_wanted = False
        return tuple(self._encoder.encode(frame))

    def _finish(self) -> None:
        encoder, self._encoder = self._encoder, None
        for packet in encoder.finish() if encoder is not None else ():
            self._write(packet)

    def _write(self, packet: CodedPacket) -> None:
        if self._packets is not None:
            self._packets.write(packet)
