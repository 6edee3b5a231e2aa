"""The part of a file that is asked for, and where it lands on the target's clock."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Any

import av
from av.container import InputContainer
from av.stream import Disposition, Stream

if TYPE_CHECKING:
    from av.container.core import Chapter

# How far other streams may lag behind the video in a file before reading stops.
INTERLEAVING_SLACK_S = 10


class Window:
    """Start and length in seconds. Without a start nothing is shifted.

    ``start_s`` counts from the file's own beginning and becomes zero in the target, for every
    stream alike. ``duration_s`` counts from the first frame of video that is kept.
    """

    def __init__(
        self, container: InputContainer, start_s: float | None, duration_s: float | None
    ) -> None:
        self.container = container
        self.start_s = start_s
        self.duration_s = duration_s
        begin = container.start_time
        self.origin = Fraction(begin, av.time_base) if begin is not None else Fraction(0)
        self.start = self.origin + Fraction(start_s) if start_s is not None else None
        self.end: Fraction | None = None
        self.last_frame_s = 0.0
        self.video_done = False
        self._pending = {s.index for s in container.streams if s.type == "audio"}
        self._overrun = False

    def seek(self) -> None:
        """Go to the keyframe at or before the start."""
        if self.start is not None and self.start > self.origin:
            self.container.seek(int(self.start * av.time_base), backward=True)

    @property
    def whole(self) -> bool:
        """Whether the file is wanted from its beginning to its end."""
        return self.start is None and self.duration_s is None

    @property
    def over(self) -> bool:
        """Whether nothing that is still wanted can follow."""
        return self.video_done and (not self._pending or self._overrun)

    def shift(self, time_base: Fraction) -> int:
        """What is taken off every timestamp, in units of ``time_base``."""
        return 0 if self.start is None else round(self.start / time_base)

    def place_frame(self, pts: int, time_base: Fraction) -> int | None:
        """The frame's pts in the target, or None when it lies outside."""
        time = pts * time_base
        # Half a tick of grace: a start typed in decimals must find the frame it names.
        if self.start is not None and time < self.start - time_base / 2:
            return None
        if self.duration_s is not None and self.end is None:
            self.end = max(time, self.start or time) + Fraction(self.duration_s)
        if self.end is not None and time >= self.end:
            self.video_done = True
            return None
        self.last_frame_s = float(time - (self.start or self.origin))
        return pts - self.shift(time_base)

    def see_late_video(self, packet: av.Packet[Any]) -> None:
        """Past the end, watch how far the file has run on while other streams are awaited."""
        if packet.dts is not None and packet.time_base and self.end is not None:
            late = packet.dts * packet.time_base >= self.end + INTERLEAVING_SLACK_S
            self._overrun = self._overrun or late

    def place_packet(self, packet: av.Packet[Any]) -> bool:
        """Shift a packet of another stream onto the target's clock; False when outside."""
        base = packet.time_base
        if packet.stream.disposition & Disposition.attached_pic:
            return True
        stamp = packet.pts if packet.pts is not None else packet.dts
        if stamp is not None and base:
            time = stamp * base
            if self.end is not None and time >= self.end:
                self._pending.discard(packet.stream.index)
                return False
            if self.start is not None and time < self.start:
                return False
        if self.start is not None and base:
            shift = self.shift(base)
            packet.pts = None if packet.pts is None else packet.pts - shift
            packet.dts = None if packet.dts is None else packet.dts - shift
        return True

    def place_chapters(self, chapters: list[Chapter]) -> list[Chapter]:
        """The chapters that overlap the window, moved onto the target's clock."""
        if self.whole:
            return chapters
        placed = []
        for chapter in chapters:
            base = chapter["time_base"] or Fraction(1, 1000)
            low = 0 if self.start is None else self.shift(base)
            high = None if self.end is None else round(self.end / base)
            begin, finish = chapter["start"], chapter["end"]
            finish = finish if high is None else min(finish, high)
            if finish > max(begin, low):
                placed.append(chapter | {"start": max(begin, low) - low, "end": finish - low})
        return placed

    def length_s(self, stream: Stream) -> float | None:
        """An estimate of how many seconds of video will come."""
        length: float | None = None
        if stream.duration and stream.time_base:
            length = float(stream.duration * stream.time_base)
        elif self.container.duration:
            length = self.container.duration / av.time_base
        if length is not None and self.start_s:
            length = max(0.0, length - self.start_s)
        if self.duration_s is not None:
            length = min(length, self.duration_s) if length is not None else self.duration_s
        return length
