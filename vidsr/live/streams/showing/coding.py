"""The coding end of a stream: pictures to picture sinks, and coded to all others."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence

from vidsr.live.base.counters import Counters
from vidsr.live.base.formats import CodedFormat
from vidsr.live.base.items import CodedPacket
from vidsr.live.base.roles import PictureSink
from vidsr.live.streams.showing.parts import Encoder, EncoderMaker, PacketOutput, Surroundings
from vidsr.picture.frame import Frame


class Coding:
    """Encoder and sinks of a stream, for use by its output thread.

    Where sound or rate change, the encoder is built anew between two frames; where pictures do,
    it sees to that itself.

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
        self._around: Surroundings | None = None
        self._format: CodedFormat | None = None

    def show(self, frame: Frame, around: Surroundings, clock_ns: int | None = None) -> None:
        """Pass a picture on to every sink.

        Args:
            frame: The picture, with its time in the output.
            around: What else an encoder has to know.
            clock_ns: The wall clock of its arrival in nanoseconds since the epoch; None for now.
        """
        begun_s = time.monotonic()
        packets = self._encoded(frame, around, clock_ns)
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
            if self._format is not None and self._format.sound is not None:
                self._write(packet)

    def want_key_frame(self) -> None:
        """Make the next picture a key frame. Callable from any thread."""
        encoder = self._encoder
        if encoder is not None:  # a new one begins with one
            encoder.want_key_frame()

    def close(self) -> None:
        """Give the encoder up and close all sinks."""
        if self._encoder is not None:
            self._encoder.close()
        if self._packets is not None:
            self._packets.close()
        for sink in self._pictures:
            sink.close()

    def _encoded(
        self, frame: Frame, around: Surroundings, clock_ns: int | None
    ) -> tuple[CodedPacket, ...]:
        if self._packets is None:
            return ()
        encoder = self._encoder
        if encoder is None or around != self._around:
            if encoder is not None:
                encoder.close()
            encoder = self._encoder = self._make(around)
            self._around = around
        packets = tuple(encoder.encode(frame, clock_ns=clock_ns))
        if encoder.format is not None and encoder.format is not self._format:
            self._format = encoder.format
            self._packets.open(encoder.format)
        return packets

    def _write(self, packet: CodedPacket) -> None:
        if self._packets is not None:
            self._packets.write(packet)
