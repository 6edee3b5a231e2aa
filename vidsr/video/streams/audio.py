"""Sound decoded and encoded anew, with the times it came with."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping
from fractions import Fraction
from typing import Any

import av
from av.audio.codeccontext import AudioCodecContext
from av.audio.stream import AudioStream
from av.container import OutputContainer
from av.filter import Graph
from av.stream import Stream

from vidsr.video.close_codecs import reading, writing
from vidsr.video.header import SideStream
from vidsr.video.streams.audio_choice import AudioCodec
from vidsr.video.streams.copies import LAYOUTS, MUX_ERRORS
from vidsr.video.streams.holding import fits

# A gap or an overlap beyond this is filled with silence or cut; less is a clock's rounding.
TOLERANCE_S = 0.02
_KEPT_LAYOUTS = (*LAYOUTS, "3.0", "quad", "5.1(side)")
_OPUS_LAYOUTS = ("mono", "stereo", "3.0", "quad", "5.0", "5.1", "6.1", "7.1")
_AC3_BITRATES = ((2, 192_000), (8, 448_000))


class AudioConverter:
    """A converter of one stream of sound: packets in, packets of the target's codec out."""

    def __init__(self, source: AudioStream, target: AudioStream) -> None:
        self.damaged = 0
        self._decoder, self._encoder = source.codec_context, target.codec_context
        self._graph: Graph | None = None
        self._shape: tuple[str, str, int] | None = None
        self._time_base = source.time_base or Fraction(1, self._decoder.sample_rate)
        self._encoder.open(strict=False)

    def convert(self, packet: av.Packet[Any] | None) -> Iterator[av.Packet[Any]]:
        """Yield what is ready after a packet of the source; None ends it."""
        try:
            frames = self._decoder.decode(packet)
        except av.error.EOFError:
            frames = []
        except av.error.FFmpegError:
            self.damaged += packet is not None
            frames = []
        for frame in frames:
            yield from self._encode(self._filter(frame))
        if packet is None:
            yield from self._encode(self._flush())
            yield from self._encoder.encode(None)

    def _encode(self, frames: Iterator[av.AudioFrame]) -> Iterator[av.Packet[Any]]:
        for frame in frames:
            yield from self._encoder.encode(frame)

    def _filter(self, frame: av.AudioFrame) -> Iterator[av.AudioFrame]:
        shape = (frame.format.name, frame.layout.name, frame.sample_rate)
        if shape != self._shape or self._graph is None:
            yield from self._flush()
            self._graph, self._shape = self._open(frame), shape
        self._graph.push(frame)
        yield from self._pull(self._graph)

    def _flush(self) -> Iterator[av.AudioFrame]:
        graph, self._graph = self._graph, None
        if graph is not None:
            graph.push(None)
            yield from self._pull(graph)

    def _open(self, frame: av.AudioFrame) -> Graph:
        """Return a chain that keeps the clock, converts, and cuts into the encoder's pieces."""
        encoder, graph = self._encoder, Graph()
        source = graph.add_abuffer(
            format=frame.format.name,
            sample_rate=frame.sample_rate,
            layout=frame.layout.name,
            time_base=frame.time_base or self._time_base,
        )
        wanted = (
            f"sample_fmts={encoder.format.name}:sample_rates={encoder.sample_rate}:"
            f"channel_layouts={encoder.layout.name}"
        )
        chain = [
            graph.add("aresample", f"{encoder.sample_rate}:async=1:min_hard_comp={TOLERANCE_S}"),
            graph.add("aformat", wanted),
        ]
        if encoder.frame_size:
            chain.append(graph.add("asetnsamples", f"n={encoder.frame_size}:p=0"))
        graph.link_nodes(source, *chain, graph.add("abuffersink")).configure()
        return graph

    def _pull(self, graph: Graph) -> Iterator[av.AudioFrame]:
        while True:
            try:
                frame = graph.pull()
            except (av.error.BlockingIOError, av.error.EOFError):
                return
            assert isinstance(frame, av.AudioFrame)
            yield frame


def add_encoded(target: OutputContainer, source: Stream, codec: AudioCodec) -> AudioStream:
    """Add a stream of sound to ``target`` that ``source`` is encoded into."""
    assert isinstance(source, AudioStream)
    stream = target.add_stream(codec.encoder, rate=nearest_rate(codec, source.codec_context))
    assert isinstance(stream, AudioStream)
    context = stream.codec_context
    context.layout = layout_of(codec, source.codec_context)
    context.format = sample_format(codec, source.codec_context)
    context.time_base = stream.time_base = Fraction(1, context.sample_rate)
    if codec.channel_bitrate:
        context.bit_rate = _bitrate(codec, context.layout.nb_channels)
    stream.disposition = source.disposition
    return stream


def holds_encoded(
    container: str, codec: AudioCodec, source: AudioStream, options: Mapping[str, str]
) -> bool:
    """Return True if the source's sound, encoded so, comes out of the container as what it is."""
    file = io.BytesIO()
    try:
        with writing(av.open(file, "w", format="matroska")) as trial:
            stream = add_encoded(trial, source, codec)
            for packet in _silence(stream.codec_context):
                packet.stream = stream
                trial.mux_one(packet)
        with reading(av.open(io.BytesIO(file.getvalue()), "r")) as made:
            template = made.streams.audio[0]
            return fits(container, SideStream(0, "audio", codec.codec, template=template), options)
    except MUX_ERRORS:
        return False


def _silence(encoder: AudioCodecContext) -> list[av.Packet[Any]]:
    encoder.open(strict=False)
    size, graph = encoder.frame_size or 1024, Graph()
    # Not by the planes of a frame: PyAV finds more than eight of them, the last out of bounds.
    silent = f"r={encoder.sample_rate}:cl={encoder.layout.name}:n={size}"
    graph.link_nodes(
        graph.add("anullsrc", silent),
        graph.add("aformat", f"sample_fmts={encoder.format.name}"),
        graph.add("abuffersink"),
    ).configure()
    frame = graph.pull()
    assert isinstance(frame, av.AudioFrame)
    return [*encoder.encode(frame), *encoder.encode(None)]


def _bitrate(codec: AudioCodec, channels: int) -> int:
    if codec.encoder == "ac3":  # which knows a list of them alone
        return next(rate for most, rate in _AC3_BITRATES if channels <= most)
    return codec.channel_bitrate * channels


def nearest_rate(codec: AudioCodec, decoder: AudioCodecContext) -> int:
    """Return the least rate of the encoder that keeps all of the source's, else its highest."""
    rates = av.Codec(codec.encoder, "w").audio_rates
    if not rates or decoder.sample_rate in rates:
        return decoder.sample_rate
    return min((r for r in rates if r > decoder.sample_rate), default=max(rates))


def layout_of(codec: AudioCodec, decoder: AudioCodecContext) -> str:
    """Return the layout of the target: the source's where the encoder takes it."""
    name, channels = decoder.layout.name, decoder.layout.nb_channels
    if channels > codec.most_channels:
        return LAYOUTS[codec.most_channels - 1]
    if not codec.channel_bitrate or channels > len(LAYOUTS):
        return name
    if codec.codec == "opus":
        return _OPUS_LAYOUTS[channels - 1]
    return name if name in _KEPT_LAYOUTS else LAYOUTS[channels - 1]


def sample_format(codec: AudioCodec, decoder: AudioCodecContext) -> str:
    """Return the encoder's sample format that loses least of the source's."""
    formats = [f.name for f in av.Codec(codec.encoder, "w").audio_formats or ()]
    wanted = decoder.format.packed.name
    for name in formats:
        if name.removesuffix("p") == wanted:
            return name
    small = wanted in ("u8", "s16")
    return formats[0] if small or len(formats) == 1 else formats[-1]
