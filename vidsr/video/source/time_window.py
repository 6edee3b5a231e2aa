"""The part of a file that is asked for, and where it lands on the target's clock."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import av
from av.container import InputContainer
from av.stream import Disposition
from av.video.stream import VideoStream

from vidsr.video.key_points.proof import KeyPoints
from vidsr.video.source.presentation_clock import PresentationClock
from vidsr.video.timing.announced_end import told_length

if TYPE_CHECKING:
    from av.container.core import Chapter

# How far other streams may lag behind the video in a file before reading stops.
INTERLEAVING_SLACK_S = 10
_ROUNDED = 0.01  # of a frame, by which a length in decimals may miss its tick
# How long before the start to seek, until the decoder gets there with nothing lost. Demuxers seek
# by decoding time or bit rate, so a keyframe shown after the start may come up, or one that builds
# on earlier pictures; None: no seek.
SEEK_BACK_S = (0.0, 2.0, 6.0, 15.0, 30.0, 60.0, 120.0, 300.0, None)


def nearest_tick(time: Fraction, time_base: Fraction) -> int:
    """Return ``time`` in units of ``time_base``, halves down: decimals find their tick."""
    return math.ceil(time / time_base - Fraction(1, 2))


class Window:
    """The part that is asked for: start and length in seconds, to the nearest tick of the video.

    Without a start nothing is shifted. ``start_s`` counts from the file's own beginning and becomes
    zero in the target, for every stream alike. ``duration_s`` counts from the first frame of video
    that is kept.
    """

    def __init__(
        self,
        container: InputContainer,
        stream: VideoStream,
        start_s: float | None,
        duration_s: float | None,
    ) -> None:
        assert stream.time_base is not None
        self.container, self.stream = container, stream
        self.time_base = stream.time_base
        self.start_s = start_s
        self.duration_s = duration_s
        begin = container.start_time
        self.origin = Fraction(begin, av.time_base) if begin is not None else Fraction(0)
        self.start: Fraction | None = None
        if start_s is not None:
            ticks = nearest_tick(self.origin + Fraction(str(start_s)), self.time_base)
            self.start = ticks * self.time_base
        self.end: Fraction | None = None
        self.last_frame_s = 0.0
        self.behind: int | None = None
        self.video_done = False
        self.missed = False
        self.inexact = False
        self._key_points: KeyPoints | None = None
        self._at_keyframe = self._before_start = True
        self._pending = {s.index for s in container.streams if s.type == "audio"}
        self._overrun = False
        self._last = Fraction(0)

    def seek(self, back_s: float, clock: PresentationClock) -> bool:
        """Go to a keyframe ``back_s`` or more before the start; return False if that cannot be."""
        if self.start is None or not clock.survives_seek(self.stream):
            return False
        time = self.start - Fraction(back_s)
        if time <= self.origin:
            return False
        try:
            self.container.seek(math.floor(time / self.time_base), stream=self.stream)
        except (av.error.FFmpegError, OSError):
            return False
        self._at_keyframe = self._before_start = False
        self._key_points = KeyPoints.of(self.stream)
        return True

    def decodable(self, packet: av.Packet[Any]) -> bool:
        """Return True if decoding may begin or go on with this packet; notes where a seek led.

        ``inexact`` becomes True where a key packet builds on pictures before it.
        """
        if self._at_keyframe or not packet.size:
            return True
        if not packet.is_keyframe:
            return False
        self.missed = self._is_late(packet.pts if packet.pts is not None else packet.dts)
        if self._key_points and not self.missed and not self._key_points.may_begin(packet):
            self.inexact = True
            return False
        self._at_keyframe = True
        return not self.missed

    def _is_late(self, stamp: int | None) -> bool:
        return stamp is None or (self.start is not None and stamp * self.time_base > self.start)

    @property
    def arrived(self) -> bool:
        """True if decoding began at or before the start, so that nothing of the part is lost."""
        return self._at_keyframe and self._before_start and not self.missed

    @property
    def whole(self) -> bool:
        """True if the file is asked for from its beginning to its end."""
        return self.start is None and self.duration_s is None

    @property
    def over(self) -> bool:
        """True if nothing that is asked for can follow."""
        return self.video_done and (not self._pending or self._overrun)

    def shift(self, time_base: Fraction) -> int:
        """Return what is taken off every timestamp, in units of ``time_base``."""
        return 0 if self.start is None else round(self.start / time_base)

    def has_begun(self, packet: av.Packet[Any]) -> bool:
        """Return True for a packet of the video that is not shown before the start."""
        stamp = packet.pts if packet.pts is not None else packet.dts
        return self.start is None or stamp is None or stamp * self.time_base >= self.start

    def place_frame(self, pts: int, *, guessed: bool = False, key: bool = True) -> int | None:
        """Return the frame's pts in the target, or None when it lies outside.

        After a seek a ``guessed`` time says nothing of where that led, and a first frame that its
        decoder does not call a ``key`` frame builds on others.
        """
        if not self._before_start:
            self._before_start = True
            self.missed = self._is_late(None if guessed else pts)
            if self._key_points and self._key_points.by_decoder and not key:
                self.missed = self.inexact = True
        time = pts * self.time_base
        if self.missed or (self.start is not None and time < self.start):
            return None
        if self.duration_s is not None and self.end is None:
            length = nearest_tick(Fraction(str(self.duration_s)), self.time_base)
            self.end = time + max(1, length) * self.time_base
        if self.end is not None and time >= self.end:
            self.video_done = True
            self.behind = pts if self.behind is None else self.behind
            return None
        self._last = time
        self.last_frame_s = float(time - (self.start or self.origin))
        return pts - self.shift(self.time_base)

    def last_frame_end(self, announced: Fraction | None, step: int) -> int | None:
        """Return until when the last frame is shown, on the target's clock; None for no answer.

        ``announced`` is the file's end in seconds. A part ends with the frame behind it, or where
        it was to end if that frame comes after a pause; ``step`` is the nominal length of a frame.
        """
        if self.behind is not None and self.end is not None:
            cut = max(round(self.end / self.time_base), round(self._last / self.time_base) + step)
            return min(self.behind, cut) - self.shift(self.time_base)
        if announced is None:
            return None
        return nearest_tick(announced, self.time_base) - self.shift(self.time_base)

    def see_late_video(self, packet: av.Packet[Any]) -> None:
        """Note how far the file has run on past the end while other streams are awaited."""
        if packet.dts is not None and packet.time_base and self.end is not None:
            late = packet.dts * packet.time_base >= self.end + INTERLEAVING_SLACK_S
            self._overrun = self._overrun or late

    def pass_video(self, packet: av.Packet[Any]) -> None:
        """Note how far the file has come by a packet of video that nobody decodes."""
        if self.end is None or packet.dts is None or not packet.time_base:
            return
        self.video_done = self.video_done or packet.dts * packet.time_base >= self.end
        self.see_late_video(packet)

    def place_packet(self, packet: av.Packet[Any]) -> bool:
        """Shift a packet of another stream onto the target's clock; return False when outside."""
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
            if self.end is not None and packet.stream.type == "subtitle" and packet.duration:
                packet.duration = min(packet.duration, round((self.end - time) / base))
        if self.start is not None and base:
            shift = self.shift(base)
            packet.pts = None if packet.pts is None else packet.pts - shift
            packet.dts = None if packet.dts is None else packet.dts - shift
        return True

    def before_end(self, packet: av.Packet[Any]) -> bool:
        """Return True if a packet that is already placed lies before the end."""
        stamp = packet.pts if packet.pts is not None else packet.dts
        if self.end is None or stamp is None or not packet.time_base:
            return True
        if packet.stream.disposition & Disposition.attached_pic:
            return True
        return (stamp + self.shift(packet.time_base)) * packet.time_base < self.end

    def place_chapters(self, chapters: list[Chapter]) -> list[Chapter]:
        """Return the chapters that overlap the window, moved onto the target's clock."""
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

    def frames_in(self, length_s: float, rate: Fraction) -> int:
        """Return how many frames ``length_s`` holds: a part also has one that it cuts short."""
        count = length_s * float(rate)
        cut = self.duration_s is not None and length_s >= self.duration_s
        return max(1, math.ceil(count - _ROUNDED)) if cut else round(count)

    def length_s(self, first: Fraction | None = None) -> float | None:
        """Return an estimate of how many seconds of video will come, None where nothing tells.

        Args:
            first: The time in the file of the first frame of the part, in seconds; None before it
                is known.
        """
        length, begin = self._told_length()
        first = self.start if first is None else first
        if length is not None and first is not None:
            length = max(0.0, length - float(first - begin))
        if self.duration_s is not None:
            length = min(length, self.duration_s) if length is not None else self.duration_s
        return length

    def _told_length(self) -> tuple[float | None, Fraction]:
        """Return how long the whole video is, as far as the file says, and where it begins."""
        stream, begin = self.stream, self.origin
        if stream.start_time is not None:
            begin = stream.start_time * self.time_base
        if stream.duration and stream.time_base:
            return float(stream.duration * stream.time_base), begin
        if not self.container.duration:
            return None, begin
        length = self.container.duration / av.time_base
        told = told_length(self.container, stream)
        # A tag of a track may be left over from another file.
        if told is not None and length / 2 <= told <= length:
            return float(told), begin
        return length, self.origin
