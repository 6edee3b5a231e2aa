"""Streams that are not upscaled: copied packet by packet, or subtitles rewritten as text."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from typing import Any

import av
from av.audio.stream import AudioStream
from av.container import OutputContainer
from av.stream import Stream

from vidsr.video.header import SideStream
from vidsr.video.sink.stream_plan import StreamPlan
from vidsr.video.sink.target_file import Target
from vidsr.video.streams.audio import AudioConverter, add_encoded
from vidsr.video.streams.audio_choice import codec_named
from vidsr.video.streams.copies import MUX_ERRORS, add_copy
from vidsr.video.streams.subtitles import SubtitleConverter
from vidsr.video.streams.tags import copy_tags
from vidsr.video.timing.packet_times import rescale

# Matroska counts milliseconds, so that packets shorter than one may share a decoding time.
EQUAL_TIMES = ("matroska", "webm")
MAX_HELD = 32
COVERS = {"mjpeg": ("cover.jpg", "image/jpeg"), "png": ("cover.png", "image/png")}


class Passthrough:
    """The way of foreign streams' packets into the target."""

    def __init__(
        self, streams: Iterable[SideStream], target: OutputContainer, place: Target | None = None
    ) -> None:
        self.target, self._place = target, place
        self.retimed = 0
        self.unreadable = 0
        self._sources = {stream.index: stream for stream in streams}
        self._streams: dict[int, Stream] = {}
        self._converters: dict[int, SubtitleConverter] = {}
        self._sounds: dict[int, AudioConverter] = {}
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
        if plan.action == "convert" and plan.kind == "audio":
            sound = add_encoded(self.target, stream, codec_named(plan.codec))
            assert isinstance(stream, AudioStream)
            self._sounds[plan.index] = AudioConverter(stream, sound)
            copy: Stream = sound
        elif plan.action == "convert":
            copy = self.target.add_stream(plan.codec)
            self._converters[plan.index] = SubtitleConverter(stream, copy)
            copy.codec_context.time_base = copy.time_base = stream.time_base or Fraction(1, 1000)
            copy.disposition = stream.disposition
        else:
            copy = add_copy(self.target, stream)
        keep_pid(copy, source.pid, self._place)
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
        if index in self._sounds:
            self._write_sound(index, packet)
        elif index in self._streams and (fitting := self._prepare(packet, index)) is not None:
            self._hold(index, fitting)

    def _write_sound(self, index: int, packet: av.Packet[Any] | None) -> None:
        for converted in self._sounds[index].convert(packet):
            self._hold(index, converted)

    def _hold(self, index: int, fitting: av.Packet[Any]) -> None:
        held = self._held.setdefault(index, [])
        held.append(fitting)
        if fitting.dts is not None or len(held) == MAX_HELD:
            self._release(index)

    def finish(self) -> None:
        """Mux what was still held back. Raises one of MUX_ERRORS."""
        for index in self._sounds:
            self._write_sound(index, None)
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
            rescale(packet, stream.time_base)
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
        if last is not None and stream.type in ("audio", "data") and not packet.duration:
            packet.duration = packet.dts - last
        self._last_dts[index] = packet.dts


def keep_pid(stream: Stream, pid: int | None, target: Target | None) -> None:
    """Keep a stream's identifier from one transport stream to the next; discs have their own."""
    if pid is not None and target and target.container == "mpegts" and not target.muxer_options:
        stream.id = pid
