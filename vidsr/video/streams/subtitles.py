"""Text subtitles rewritten in the codec that a container holds."""

from __future__ import annotations

from typing import Any

import av
from av.stream import Stream
from av.subtitles.codeccontext import SubtitleCodecContext
from av.subtitles.subtitle import AssSubtitle, SubtitleSet

TEXT_SUBTITLES = ("subrip", "srt", "ass", "ssa", "webvtt", "mov_text", "text")
SUBTITLE_CODEC = {"mp4": "mov_text", "mov": "mov_text", "matroska": "subrip", "webm": "webvtt"}


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
