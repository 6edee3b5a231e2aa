"""Streams that are not upscaled: copied packet by packet, or subtitles rewritten as text."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from typing import Any

import av
from av.container import OutputContainer
from av.stream import Stream
from av.subtitles.codeccontext import SubtitleCodecContext
from av.subtitles.subtitle import AssSubtitle, SubtitleSet

from vidsr.video.header import SideStream
from vidsr.video.sink.stream_plan import (
    MUX_ERRORS,
    StreamPlan,
    add_copy,
    copy_tags,
)

# Matroska counts milliseconds, so that packets shorter than one may share a decoding time.
EQUAL_TIMES = ("matroska", "webm")
MAX_HELD = 32
COVERS = {"mjpeg": ("cover.jpg", "image/jpeg"), "png": ("cover.png", "image/png")}


class SubtitleConverter:
    """A converter of text subtitles: decodes them, and encodes them in the target's own codec."""

    def __init__(self, source: Stream, target: Stream) -> None:
        decoder, encoder = source.codec_context, target.codec_context
        assert isinstance(decoder, SubtitleCodecContext)
        assert isinstance(encoder, SubtitleCodecContext)
        decoder.open(strict=False)
        encoder.subtitle_header = decoder.subtitle_header
        self.decoder, self.encoder = decoder, encoder

    def convert(self, packet: av.Packet[Any]) -> av.Packet[Any] | None:
        """Return a new packet with the same times, None for one that shows nothing."""
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
    """The way of foreign streams' packets into the target."""

    def __init__(self, streams: Iterable[SideStream], target: OutputContainer) -> None:
        self.target = target
        self.retimed = 0
        self.unreadable = 0
        self._sources = {stream.index: stream for stream in streams}
        self._streams: dict[int, Stream] = {}
        self._converters: dict[int, SubtitleConverter] = {}
        self._last_dts: dict[int, int] = {}
        self._held: dict[int, list[av.Packet[Any]]] = {}

    def add(self, plan: StreamPlan) -> None:
        """Create the target's stream for one of the source's, in the order of the source."""
        source = self._sources[plan.index]
        if plan.action == "drop":
            return
        if source.kind == "attachment" or (source.cover and self.target.format.name == "matroska"):
            self._attach(source)
            return
        stream = source.template
        assert stream is not None
        if plan.action == "convert":
            copy: Stream = self.target.add_stream(plan.codec)
            self._converters[plan.index] = SubtitleConverter(stream, copy)
            copy.codec_context.time_base = copy.time_base = stream.time_base or Fraction(1, 1000)
            copy.disposition = stream.disposition
        else:
            copy = add_copy(self.target, stream, source.codec)
        copy.metadata.update(copy_tags(source.tags))
        self._streams[plan.index] = copy

    def _attach(self, stream: SideStream) -> None:
        """Put a file into Matroska's header; its cover art is one of them."""
        assert stream.read_payload is not None
        name, mimetype = COVERS.get(
            stream.codec, (f"attachment-{stream.index}", "application/octet-stream")
        )
        self.target.add_attachment(
            stream.tags.get("filename", name),
            stream.tags.get("mimetype", mimetype),
            stream.read_payload(),
        )

    def write(self, packet: av.Packet[Any]) -> None:
        """Mux one packet; packets of dropped streams are ignored. Raises one of MUX_ERRORS."""
        index = packet.stream.index
        if index not in self._streams or (fitting := self._prepare(packet, index)) is None:
            return
        held = self._held.setdefault(index, [])
        held.append(fitting)
        if fitting.dts is not None or len(held) == MAX_HELD:
            self._release(index)

    def finish(self) -> None:
        """Mux what was still held back. Raises one of MUX_ERRORS."""
        for index in tuple(self._held):
            self._release(index)

    def _release(self, index: int) -> None:
        """Mux what is held, with the first decoding times, which Matroska lacks, counted back."""
        held, stream = self._held.pop(index), self._streams[index]
        following = min((p.pts for p in held if p.pts is not None), default=0)
        for packet in reversed(held):
            if packet.dts is None:
                packet.dts = following
            following = packet.dts - (packet.duration or 1)
        self.target.start_encoding()  # from here on the time base is the one the muxer chose
        assert stream.time_base is not None
        for packet in held:
            _rescale(packet, stream.time_base)
            self._order(packet, stream, index)
            packet.stream = stream
            self.target.mux_one(packet)

    def _prepare(self, packet: av.Packet[Any], index: int) -> av.Packet[Any] | None:
        """Return the packet as the target's codec takes it, None for one that is not written."""
        source = self._sources[index]
        if source.cover:
            packet.pts = packet.dts = 0
        if index in self._converters:
            try:
                converted = self._converters[index].convert(packet)
            except MUX_ERRORS:
                self.unreadable += 1
                return None
            if converted is None:
                return None
            packet = converted
        elif source.codec == "mov_text" and bytes(packet)[:2] == b"\0\0":
            return None  # a pause; the muxer writes its own
        if packet.dts is None and source.kind != "video":
            packet.dts = packet.pts
        return None if packet.dts is None and packet.pts is None else packet

    def _order(self, packet: av.Packet[Any], stream: Stream, index: int) -> None:
        """Move up a packet whose decoding time goes back, and count it: muxers refuse it."""
        assert packet.dts is not None
        last = self._last_dts.get(index)
        same = stream.type == "subtitle" or self.target.format.name in EQUAL_TIMES
        if last is not None and packet.dts < last + (not same):
            self.retimed += 1
            packet.dts = last + (not same)
            packet.pts = max(packet.pts, packet.dts) if packet.pts is not None else packet.dts
        # MP4 would cut off a last packet of no duration.
        if last is not None and stream.type == "audio" and not packet.duration:
            packet.duration = packet.dts - last
        self._last_dts[index] = packet.dts


def _rescale(packet: av.Packet[Any], time_base: Fraction) -> None:
    factor = packet.time_base / time_base
    packet.pts = None if packet.pts is None else round(packet.pts * factor)
    packet.dts = None if packet.dts is None else round(packet.dts * factor)
    packet.duration = round((packet.duration or 0) * factor)
    packet.time_base = time_base
