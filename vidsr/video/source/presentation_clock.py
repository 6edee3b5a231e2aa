"""A presentation time for every decoded frame, strictly increasing, even where a file has none."""

from __future__ import annotations

import math
from collections import deque
from fractions import Fraction
from typing import Any

import av
from av.video.stream import VideoStream

# Containers whose packets carry decoding times only. Their demuxer's "pts" is a guess that comes
# out of order for B-frames; the k-th picture shown belongs at the k-th packet's time.
DECODING_TIME_ONLY = ("avi",)
_NO_TIMESTAMPS = 0x80  # AVFMT_NOTIMESTAMPS


class PresentationClock:
    """The clock of one stream: gives each frame its ``pts`` in units of the stream's time base.

    A frame's own timestamp is kept wherever it increases. ``synthesised`` counts frames that had
    none (raw bitstreams: the nominal rate is used), ``retimed`` those that did not increase.
    """

    def __init__(self, time_base: Fraction, rate: Fraction, container: str) -> None:
        self.step = max(1, round(1 / (rate * time_base)))
        self._nudge = max(1, math.ceil(Fraction(1, 1000) / time_base))
        self.synthesised = 0
        self.retimed = 0
        self._rate_ticks = 1 / (rate * time_base)
        self.decoding_only = container in DECODING_TIME_ONLY
        self._queue: deque[int] = deque()
        self._last: int | None = None
        self._anchor: tuple[int, int] | None = None  # (pts, frames since) for frames without any
        self._stuck = 0

    def survives_seek(self, stream: VideoStream) -> bool:
        """Return True if times stay right when reading begins in the middle.

        Raw bitstreams count from their first frame; where only decoding times exist, the B-frames
        that a decoder drops after a seek would shift the others; MPEG program streams do not
        stamp every picture, and guesses from the middle differ from those from the beginning.
        """
        layout = stream.container.format
        raw = layout.flags & _NO_TIMESTAMPS and layout.name != "image2"
        raw = raw or layout.name == "mpeg"
        reordered = self.decoding_only and stream.codec_context.has_b_frames
        return not raw and not reordered

    def packet(self, packet: av.Packet[Any]) -> None:
        """Note a packet before it is decoded."""
        if self.decoding_only and packet.size and packet.dts is not None:
            self._queue.append(packet.dts)

    def lost(self) -> None:
        """Forget the packet just seen: it gave an error and will give no frame."""
        if self._queue:
            self._queue.pop()

    def stamp(self, image: av.VideoFrame) -> int:
        """Return the frame's pts; call once per frame, in the order the decoder gives them."""
        own = self._own_time(image)
        pts = self._synthesise() if own is None else own
        if own is not None:
            self._anchor = None
        if self._last is not None and pts <= self._last:
            self.retimed += 1
            # One repeated timestamp moves by a millisecond, the least that every container can
            # tell apart; a stream of them gets the nominal rate.
            pts = self._last + (self._nudge if self._stuck == 0 else self.step)
            self._stuck += 1
        else:
            self._stuck = 0
        self._last = pts
        return pts

    def _own_time(self, image: av.VideoFrame) -> int | None:
        return self._queue.popleft() if self._queue else image.pts

    def _synthesise(self) -> int:
        self.synthesised += 1
        if self._anchor is None:
            self._anchor = (0 if self._last is None else self._last, 0 if self._last is None else 1)
        start, count = self._anchor
        self._anchor = (start, count + 1)
        return start + round(count * self._rate_ticks)
