"""Streams that are not upscaled: copied packet by packet, or subtitles rewritten as text."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import av
from av.container import InputContainer, OutputContainer
from av.stream import AttachmentStream, Stream
from av.subtitles.codeccontext import SubtitleCodecContext
from av.subtitles.subtitle import AssSubtitle, SubtitleSet

from vidsr.errors import OutputError
from vidsr.video.preflight import StreamPlan

# Written by the muxer itself, or meaningless in another container.
_OWN_TAGS = ("encoder", "major_brand", "minor_version", "compatible_brands", "duration")


def copy_tags(tags: dict[str, str]) -> dict[str, str]:
    """Metadata without what describes the source's own container."""
    return {
        k: v
        for k, v in tags.items()
        if k.lower() not in _OWN_TAGS and not k.upper().startswith(("DURATION", "_STATISTICS"))
    }


class SubtitleConverter:
    """Decodes text subtitles and encodes them in the target's own codec."""

    def __init__(self, source: Stream, target: Stream) -> None:
        decoder, encoder = source.codec_context, target.codec_context
        assert isinstance(decoder, SubtitleCodecContext)
        assert isinstance(encoder, SubtitleCodecContext)
        decoder.open(strict=False)
        encoder.subtitle_header = decoder.subtitle_header
        self.decoder, self.encoder = decoder, encoder

    def convert(self, packet: av.Packet[Any]) -> av.Packet[Any] | None:
        """A new packet with the same times, None for one that shows nothing."""
        shown = self.decoder.decode2(packet)
        lines = [r.ass for r in shown.rects if isinstance(r, AssSubtitle)] if shown else []
        if not lines or packet.pts is None:
            return None
        # Further lines of the same event: only the text after the eighth comma.
        text = rb"\N".join([lines[0], *(line.split(b",", 8)[-1] for line in lines[1:])])
        event = SubtitleSet.create(text=text, start=0, end=packet.duration or 0, pts=packet.pts)
        converted = self.encoder.encode_subtitle(event)
        converted.time_base = packet.time_base
        return converted


class Passthrough:
    """Carries the packets of foreign streams into the target."""

    def __init__(self, source: InputContainer, target: OutputContainer) -> None:
        self.source, self.target = source, target
        self.retimed = 0
        self._streams: dict[int, Stream] = {}
        self._converters: dict[int, SubtitleConverter] = {}
        self._last_dts: dict[int, int] = {}

    def add(self, plan: StreamPlan) -> None:
        """Create the target's stream for one of the source's, in the order of the source."""
        stream = self.source.streams[plan.index]
        if plan.action == "drop":
            return
        if isinstance(stream, AttachmentStream):
            self.target.add_attachment(
                stream.name or stream.metadata.get("filename", f"attachment-{plan.index}"),
                stream.mimetype or "application/octet-stream",
                bytes(stream.data),
            )
            return
        if plan.action == "convert":
            copy: Stream = self.target.add_stream(plan.codec)
            self._converters[plan.index] = SubtitleConverter(stream, copy)
            copy.codec_context.time_base = stream.time_base or Fraction(1, 1000)
        else:
            copy = self.target.add_stream_from_template(stream, opaque=True)
        copy.time_base = stream.time_base
        copy.metadata.update(copy_tags(stream.metadata))
        copy.disposition = stream.disposition
        self._streams[plan.index] = copy

    def write(self, packet: av.Packet[Any]) -> None:
        """Mux one packet; packets of dropped streams are ignored. Raises OutputError."""
        index = packet.stream.index
        stream = self._streams.get(index)
        if stream is None:
            return
        if index in self._converters:
            converted = self._converters[index].convert(packet)
            if converted is None:
                return
            packet = converted
        if packet.dts is None:
            packet.dts = packet.pts
        if packet.dts is None:
            return
        self._order(packet, index)
        packet.stream = stream
        try:
            self.target.mux_one(packet)
        except (av.error.FFmpegError, ValueError, OSError) as error:
            raise OutputError(f"stream {index}: writing a packet failed: {error}") from error

    def _order(self, packet: av.Packet[Any], index: int) -> None:
        """Muxers refuse decoding times that go back: such a packet is moved up, and counted."""
        assert packet.dts is not None
        last = self._last_dts.get(index)
        if last is not None and packet.dts <= last:
            self.retimed += packet.dts < last
            packet.dts = last + (packet.dts < last)
            packet.pts = max(packet.pts, packet.dts) if packet.pts is not None else packet.dts
        self._last_dts[index] = packet.dts
