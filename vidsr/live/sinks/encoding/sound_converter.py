"""Sound of one codec made AAC, on the clock of the pictures."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import av
from av.audio.codeccontext import AudioCodecContext
from av.filter import Graph

from vidsr.live.base.formats import SoundFormat
from vidsr.live.base.items import CLOCK_HZ, TIME_BASE, CodedPacket

# A packet of AAC is 1024 samples: 21 ms at this rate, 128 ms at that of a telephone.
RATE_HZ = 48_000
BITS_A_CHANNEL = 96_000
# Times that differ from the count of samples by more are followed, with silence or a cut.
TOLERANCE_S = 0.05
_ERRORS = (av.error.FFmpegError, ValueError, OSError)


class SoundConverter:
    """A converter of one sound: packets of any codec in, packets of AAC out, in step.

    Args:
        source: The sound that comes.

    Raises:
        ValueError: FFmpeg decodes no such codec.
    """

    def __init__(self, source: SoundFormat) -> None:
        decoder = av.CodecContext.create(source.codec, "r")
        assert isinstance(decoder, AudioCodecContext)
        decoder.sample_rate, decoder.layout = source.rate_hz, source.layout
        if source.extradata:
            decoder.extradata = source.extradata
        self._decoder = decoder
        self._encoder = _encoder("mono" if source.layout == "mono" else "stereo")
        self._graph: Graph | None = None
        self._shape: tuple[str, str, int] | None = None
        self._last_dts: int | None = None
        self.damaged = 0
        self.format = SoundFormat(
            "aac",
            RATE_HZ,
            self._encoder.layout.name,
            extradata=bytes(self._encoder.extradata or b""),
            bit_rate=self._encoder.bit_rate,
        )

    def convert(self, packet: CodedPacket) -> Iterator[CodedPacket]:
        """Yield the packets that are ready after one of the source."""
        coded: av.Packet[Any] = av.Packet(packet.data)
        coded.pts, coded.dts, coded.time_base = packet.pts, packet.dts, TIME_BASE
        try:
            frames = self._decoder.decode(coded)
        except av.error.FFmpegError:
            self.damaged += 1
            return
        for frame in frames:
            for cut in self._cut(frame):
                for made in self._encoder.encode(cut):
                    yield self._timed(made)

    def close(self) -> None:
        """Give decoder and encoder up."""
        self._graph = None
        with contextlib.suppress(*_ERRORS):
            self._encoder.encode(None)

    def _cut(self, frame: av.AudioFrame) -> Iterator[av.AudioFrame]:
        """Yield the sound in the encoder's rate, layout and pieces."""
        shape = (frame.format.name, frame.layout.name, frame.sample_rate)
        if self._graph is None or shape != self._shape:
            self._graph, self._shape = self._open(frame), shape
        self._graph.push(frame)
        while True:
            try:
                cut = self._graph.pull()
            except (av.error.BlockingIOError, av.error.EOFError):
                return
            assert isinstance(cut, av.AudioFrame)
            yield cut

    def _open(self, frame: av.AudioFrame) -> Graph:
        graph, encoder = Graph(), self._encoder
        source = graph.add_abuffer(
            format=frame.format.name,
            sample_rate=frame.sample_rate,
            layout=frame.layout.name,
            time_base=frame.time_base or TIME_BASE,
        )
        wanted = (
            f"sample_fmts={encoder.format.name}:sample_rates={RATE_HZ}:"
            f"channel_layouts={encoder.layout.name}"
        )
        graph.link_nodes(
            source,
            graph.add("aresample", f"{RATE_HZ}:async=1:min_hard_comp={TOLERANCE_S}"),
            graph.add("aformat", wanted),
            graph.add("asetnsamples", f"n={encoder.frame_size}:p=0"),
            graph.add("abuffersink"),
        ).configure()
        return graph

    def _timed(self, made: av.Packet[Any]) -> CodedPacket:
        """Return the packet on the clock of the pictures, its times strictly growing."""
        assert made.pts is not None
        pts = round(made.pts * made.time_base / TIME_BASE)
        if self._last_dts is not None:
            pts = max(pts, self._last_dts + 1)
        self._last_dts = pts
        length = self._encoder.frame_size * CLOCK_HZ // RATE_HZ
        return CodedPacket(bytes(made), "sound", pts, pts, duration=length, key=True)


def _encoder(layout: str) -> AudioCodecContext:
    encoder = av.CodecContext.create("aac", "w")
    assert isinstance(encoder, AudioCodecContext)
    encoder.sample_rate, encoder.layout, encoder.format = RATE_HZ, layout, "fltp"
    encoder.time_base = Fraction(1, RATE_HZ)
    encoder.bit_rate = BITS_A_CHANNEL * encoder.layout.nb_channels
    encoder.flags |= 1 << 22  # the set-up apart from the packets: AV_CODEC_FLAG_GLOBAL_HEADER
    encoder.open()
    return encoder
