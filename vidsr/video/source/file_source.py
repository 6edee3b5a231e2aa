"""Frames out of a file, each with its own timestamp, beside the packets of every other stream."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeAlias

import av
from av.container import InputContainer

from vidsr.errors import InputError, OptionError
from vidsr.notes import Notes
from vidsr.picture.frame import Frame
from vidsr.values import Decoder, Deinterlace
from vidsr.video.image_sequences import is_image, is_pattern, numbered_files
from vidsr.video.info import SourceCounts, SourceInfo
from vidsr.video.pixel_formats import on_gpu
from vidsr.video.release import close_input
from vidsr.video.source.clock_jumps import MAY_JUMP, Jumps
from vidsr.video.source.frame_reader import Pictures
from vidsr.video.source.lost_tail import decode_tail
from vidsr.video.source.nvdec import Nvdec, is_exact, shared_context
from vidsr.video.source.opening import choose_video, open_input
from vidsr.video.source.presentation_clock import PresentationClock
from vidsr.video.source.sequence import NumberedPictures
from vidsr.video.source.time_window import SEEK_BACK_S, Window

Packet: TypeAlias = "av.Packet[Any]"
Item: TypeAlias = "Frame | Packet"

# As many packets failing in a row up to the end mean that the decoder died, not that it hid a flaw.
DEAD_TAIL_PACKETS = 25


class Source:
    """Decodes one video stream of a file; iterate for frames and foreign packets in file order.

    Opening decodes up to the first frame, so that what cannot be decoded is refused at once.
    ``upright`` turns pictures as the display matrix says, for targets that cannot store one.
    ``hwaccel`` decodes on a graphics card, where frames may then lie. Raises InputError.
    Not thread-safe: one thread iterates; ``counts`` may be read afterwards.
    """

    container: InputContainer
    counts: SourceCounts
    window: Window
    clock: PresentationClock
    pictures: Pictures

    def __init__(
        self,
        path: str | Path,
        *,
        start_s: float | None = None,
        duration_s: float | None = None,
        deinterlace: Deinterlace = "auto",
        framerate: Fraction | None = None,
        upright: bool = False,
        hwaccel: Nvdec | None = None,
        notes: Notes | None = None,
    ) -> None:
        self.notes = notes or Notes()
        self.path = Path(path)
        self._deinterlace, self._upright, self._framerate = deinterlace, upright, framerate
        self._part = start_s, duration_s
        self._hwaccel = hwaccel
        if hwaccel is None or not self._open_on_card():
            self._hwaccel = None
            self._open_part()
        if hwaccel and not self._hwaccel:
            self.notes.say("NVDEC cannot decode this stream exactly: the processor does")

    @property
    def decoder(self) -> Decoder:
        """What decodes the stream."""
        return "cpu" if self._hwaccel is None else "cuda"

    def _open_on_card(self) -> bool:
        """Whether the card decodes the stream as it is; if not, nothing is left open."""
        try:
            self._open_part()
        except InputError:  # the processor finds out whether the file is to blame
            return False
        if self._surfaces:
            return True
        self.close()
        return False

    def _open_part(self) -> None:
        # A seek may land behind the start, with frames lost: then from further back, at last
        # from the beginning of the file.
        for back_s in SEEK_BACK_S if self._part[0] else (None,):
            if self._open(back_s):
                break

    def _open(self, back_s: float | None) -> bool:
        """Open, seek and read up to the first frame; False when it has to be done again."""
        self.container = self._open_file()
        try:
            self._prepare()
            self._items = self._demux()
            if back_s is not None and not self.window.seek(back_s, self.clock):
                self.close()
                return False
            self._first = self._until_first_frame()
            if not self.window.arrived:
                self.close()
                return False
            self._check_framerate()
            self.info = self._describe()
        except BaseException:
            self.close()
            raise
        return True

    def _open_file(self) -> InputContainer:
        if self._hwaccel is None:
            return open_input(self.path, self._framerate)
        with shared_context(self._hwaccel.hwaccel):
            return open_input(self.path, self._framerate, self._hwaccel.hwaccel)

    def _prepare(self) -> None:
        stream = self.stream = choose_video(self.container, self.path, self.notes)
        stream.thread_type = "AUTO"
        if self._hwaccel:
            # Each thread takes a surface, and FFmpeg gives up on NVDEC beyond 32 of them.
            stream.thread_count = 1
        if stream.time_base is None or stream.time_base <= 0:
            raise InputError(f"{self.path}: the video stream has no time base")
        rate = self._framerate or stream.guessed_rate or stream.average_rate or Fraction(25)
        self.time_base, self.rate = stream.time_base, rate
        self.counts = SourceCounts()
        self.jumps = Jumps(bool(self.container.format.flags & MAY_JUMP))
        self.clock = PresentationClock(self.time_base, rate, self.container.format.name)
        self.window = Window(self.container, stream, *self._part)
        self.pictures = Pictures(
            self.time_base,
            self._codec,
            deinterlace=self._deinterlace == "auto",
            upright=self._upright,
            counts=self.counts,
            notes=self.notes,
            stay=bool(self._hwaccel and self._hwaccel.stay),
        )
        self._sequence = NumberedPictures(self.path) if is_pattern(self.path) else None
        self._surfaces = False
        self._failed_in_row = self._sent = 0
        self._last_pts: int | None = None
        self._first_key: int | None = None

    @property
    def first_pts(self) -> int:
        """Time of the first frame, in units of ``time_base``; call before iterating."""
        frame = self._first[-1]
        return frame.pts or 0 if isinstance(frame, Frame) else 0

    def _check_framerate(self) -> None:
        timed = not (is_pattern(self.path) or is_image(self.path) or self.clock.synthesised)
        if self._framerate is not None and timed:
            raise OptionError(
                f"--framerate {self._framerate}: {self.path} has timestamps of its own; allowed "
                f"for pictures and raw streams."
            )

    @property
    def first_number(self) -> int:
        """Number of a sequence's first picture, 1 for anything else."""
        return next(iter(numbered_files(self.path)), 1) if is_pattern(self.path) else 1

    def __iter__(self) -> Iterator[Item]:
        yield from self._first
        self._first = []
        yield from self._items

    def _until_first_frame(self) -> list[Item]:
        seen: list[Packet] = []
        for item in self._items:
            if isinstance(item, Frame):
                # Where the part ends is known only now.
                return [*(p for p in seen if self.window.before_end(p)), item]
            seen.append(item)
        if not self.window.arrived:
            return []
        where = f" from {self.window.start_s:g} s on" if self.window.start_s else ""
        if self.counts.decoded:
            raise InputError(f"{self.path}: no frame lies in the part asked for{where}")
        errors = f" ({self.counts.failed_packets} packets failed)"
        raise InputError(
            f"{self.path}: no video frame could be decoded{where}{errors}",
            hint="the file may be damaged, encrypted, or start later than asked for.",
        )

    def _demux(self) -> Iterator[Item]:
        """Everything in file order, from the seek point to the end of the window."""
        for packet in self._packets():
            if self.window.over or self.window.missed:
                break
            if packet.stream.index != self.stream.index:
                if packet.size and self.window.place_packet(packet):
                    yield packet
            elif self.window.video_done:
                self.window.see_late_video(packet)
            elif self.window.decodable(packet):
                yield from self._video_packet(packet)
        yield from self._finish()

    def _packets(self) -> Iterator[Packet]:
        packets = self.container.demux(
            [s for s in self.container.streams if s.type != "attachment"]
        )
        while True:
            try:
                packet = next(packets, None)
            except (av.error.FFmpegError, OSError) as error:
                if self._sequence:
                    raise self._sequence.unreadable(str(error)) from error
                raise InputError(
                    f"{self.path}: reading failed after frame {self.counts.decoded}: {error}",
                    hint="check the file, or keep its readable part with --duration.",
                ) from error
            if packet is None:
                return
            self.jumps.mend(packet)
            yield packet

    def _video_packet(self, packet: Packet) -> Iterator[Frame]:
        self.clock.packet(packet)
        self._sent += self._will_show(packet)
        self._count_keyless(packet)
        if self._sequence and packet.size:
            self._sequence.sent(packet)
        images: list[av.VideoFrame] = []
        try:
            images = packet.decode()
            self._failed_in_row = 0
        except av.error.EOFError:
            pass
        except av.error.FFmpegError as error:
            if self._sequence:
                raise self._sequence.undecodable(self._codec, str(error)) from error
            self._failed_in_row += 1
            if packet.size:  # else the decoder is being drained: see _tail
                self.counts.failed_packets += 1
                self.clock.lost()
        for image in images:
            yield from self._image(image)
        if self._sequence and not packet.size:
            self._sequence.check_end(self._codec)

    @property
    def _codec(self) -> str:
        """FFmpeg's name of the decoder."""
        return self.stream.codec_context.name

    def _count_keyless(self, packet: Packet) -> None:
        """A file that begins between two key frames gives no pictures up to the second."""
        if self.window.start is None and self._first_key is None and not self.counts.decoded:
            self.counts.before_key += bool(packet.size)

    def _will_show(self, packet: Packet) -> bool:
        """Whether a frame is due for the packet: pictures shown before the first key may not be."""
        if packet.is_keyframe and self._first_key is None:
            self._first_key = packet.pts or 0
        if self._first_key is None or packet.is_discard or not packet.size:
            return False
        return packet.pts is None or packet.pts >= self._first_key

    def _image(self, image: av.VideoFrame) -> Iterator[Frame]:
        self.counts.decoded += 1
        if self._sequence:
            self._sequence.shown()
        if self._hwaccel:
            self._observe_surface(image)
        self._last_pts = image.pts
        pts = self.clock.stamp(image)
        placed = self.window.place_frame(pts, guessed=self.clock.synthesised > 0)
        if placed is not None:
            image.pts, image.time_base = placed, self.time_base
            yield from self.pictures.push(image)

    def _observe_surface(self, image: av.VideoFrame) -> None:
        context = self.stream.codec_context
        if self.counts.decoded == 1:
            self._surfaces = is_exact(image, context.width, context.height)
        elif self._surfaces and not on_gpu(image):
            self.notes.say("NVDEC cannot decode every frame: the processor does the others")

    def _tail(self) -> Iterator[Frame]:
        """The frames that an error kept from being drained out of the decoder's threads."""
        counts = self.counts
        missing = self._sent - counts.decoded - counts.failed_packets
        # More are missing where a packet is only a field, or holds nothing to show.
        if self.window.video_done or not 0 < missing <= self.stream.codec_context.thread_count:
            return
        after = None if self.clock.decoding_only else self._last_pts
        for image in decode_tail(self.path, self._framerate, self.notes, counts, after=after):
            yield from self._image(image)

    def _finish(self) -> Iterator[Frame]:
        if self.window.arrived:
            yield from self._tail()
        yield from self.pictures.flush()
        self.counts.synthesised_pts = self.clock.synthesised
        self.counts.retimed = self.clock.retimed
        if not (self.window.arrived and self.counts.decoded):
            return
        if self._failed_in_row >= DEAD_TAIL_PACKETS:
            raise InputError(
                f"{self.path}: decoding died after frame {self.counts.decoded}: "
                f"the last {self._failed_in_row} packets all failed",
                hint=f"--duration {self.window.last_frame_s:.3f} keeps the part that decodes.",
            )
        self._tell()

    def _tell(self) -> None:
        c = self.counts
        announced = self.stream.frames
        if self.window.whole and announced > c.decoded + max(2, announced // 50):
            self.notes.say(
                f"the file announces {announced} frames and {c.decoded} could be read: "
                f"it may be incomplete"
            )
        if self.jumps.count:
            self.notes.say(f"time jumps back {self.jumps.count} times: what follows is moved on")
        elif self._ends_early():
            self.notes.say(
                f"the file announces {(self.container.duration or 0) / av.time_base:.1f} s and its "
                f"video ends at {self.window.last_frame_s:.1f} s: it may be incomplete"
            )
        for sentence in c.sentences(self.rate):
            self.notes.say(sentence)

    def _ends_early(self) -> bool:
        """Where no frame count is announced: the video ends long before the file does."""
        duration = self.container.duration
        if self.stream.frames or not duration or not self.window.whole:
            return False
        length_s = duration / av.time_base
        return self.window.last_frame_s < length_s - max(1.0, 0.05 * length_s)

    def _describe(self) -> SourceInfo:
        frame = self._first[-1]
        assert isinstance(frame, Frame)
        duration_s = self.window.length_s()
        return SourceInfo(
            path=str(self.path),
            container=self.container.format.name,
            codec=self.stream.codec_context.codec.canonical_name,
            format=frame.format,
            time_base=self.time_base,
            rate=self.rate,
            sample_aspect_ratio=self._aspect(),
            display_matrix=None if self._upright else self.pictures.display_matrix,
            interlaced=self.pictures.interlaced,
            hdr=self.pictures.hdr,
            matrix_assumed=self.pictures.matrix_assumed,
            duration_s=duration_s,
            frames=round(duration_s * self.rate) if duration_s else None,
        )

    def _aspect(self) -> Fraction:
        """Width of a sample over its height, 1 where the file does not say."""
        context = self.stream.codec_context
        ratio = self.stream.sample_aspect_ratio or context.sample_aspect_ratio or Fraction(1)
        ratio = ratio if ratio > 0 else Fraction(1)
        return 1 / ratio if self.pictures.quarter_turned else ratio

    def close(self) -> None:
        close_input(self.container)

    def __del__(self) -> None:
        # One that is left behind, perhaps half read, must not be freed with pictures in flight.
        if hasattr(self, "container"):
            self.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
