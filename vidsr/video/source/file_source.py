"""Frames out of a file, each with its own timestamp, beside the packets of every other stream."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from fractions import Fraction

import av
from av.container import InputContainer
from av.video.codeccontext import VideoCodecContext

from vidsr.errors import InputError, OptionError
from vidsr.notes import Notes
from vidsr.option_values import Decoder, Deinterlace
from vidsr.picture.frame import Frame
from vidsr.video.bitstream.transport import READ_BYTES
from vidsr.video.close_codecs import close_input
from vidsr.video.coding.codecs import export_quantisers
from vidsr.video.coding.coding_errors import CodingErrors
from vidsr.video.coding.read_ahead import ReadAhead
from vidsr.video.header import PictureTags, Service, SideStream, StreamHeader
from vidsr.video.image_sequences import is_image, numbered_files
from vidsr.video.info import SourceCounts, SourceInfo
from vidsr.video.items import Item, Packet
from vidsr.video.locator import Locator, Name
from vidsr.video.media.medium import Medium
from vidsr.video.source.base import Closing
from vidsr.video.source.clock_jumps import MAY_JUMP, Jumps
from vidsr.video.source.discontinuities import marked
from vidsr.video.source.frame_reader import Pictures
from vidsr.video.source.nvdec import Nvdec, shared_context
from vidsr.video.source.open_container import choose_video, open_input, still_picture
from vidsr.video.source.presentation_clock import PresentationClock
from vidsr.video.source.side_streams import side_streams
from vidsr.video.source.time_window import SEEK_BACK_S, Window
from vidsr.video.source.video_decoding import VideoDecoding
from vidsr.video.streams.picture_marks import marks_of
from vidsr.video.streams.picture_tags import read_tags
from vidsr.video.streams.services import find_service, service_in
from vidsr.video.timing.announced_end import announced_end, packets_before
from vidsr.video.timing.frame_durations import FrameDurations
from vidsr.video.timing.listed_times import count_between, listed_times
from vidsr.video.timing.timecode import advance_tag


class FileSource(Closing):
    """The source of a file or of numbered pictures: one video stream decoded, the others' packets.

    Items come in file order. Opening decodes up to the first frame, so that what cannot be decoded
    is refused at once. Not thread-safe: one thread iterates; ``counts`` may be read afterwards.

    Args:
        name: The file, or a pattern of numbered pictures.
        start_s: Where to begin, in seconds from the file's own beginning.
        duration_s: How many seconds to give, counted from the first frame given.
        deinterlace: ``auto`` deinterlaces frames that say they are interlaced.
        framerate: Frames a second of pictures and raw streams.
        upright: True to turn pictures as the display matrix says, for targets that cannot store
            one.
        hwaccel: A GPU that decodes, where frames may then lie.
        notes: What collects assumptions and losses.
        medium: What the bytes come from where they are of no file; it is closed with the source.

    Raises:
        InputError: The file is missing or damaged, or holds no video.
        OptionError: ``framerate`` is given for a file with a clock of its own.
    """

    container: InputContainer
    header: StreamHeader
    counts: SourceCounts
    window: Window
    clock: PresentationClock
    pictures: Pictures

    def __init__(
        self,
        name: Name,
        *,
        start_s: float | None = None,
        duration_s: float | None = None,
        deinterlace: Deinterlace = "auto",
        framerate: Fraction | None = None,
        upright: bool = False,
        hwaccel: Nvdec | None = None,
        notes: Notes | None = None,
        medium: Medium | None = None,
    ) -> None:
        self.notes, self.medium = notes or Notes(), medium
        self.locator = Locator.of(name)
        # Each of numbered pictures may lie its own way, which no target can store.
        self._upright = upright or self.locator.kind == "sequence"
        self._deinterlace, self._framerate = deinterlace, framerate
        self._part = start_s, duration_s
        self._hwaccel = hwaccel
        try:
            if hwaccel is None or not self._open_on_card():
                self._hwaccel = None
                self._open_part()
        except BaseException:
            self._close_medium()
            raise
        if hwaccel and not self._hwaccel:
            self.notes.say("NVDEC cannot decode this stream exactly: the CPU does")

    @property
    def info(self) -> SourceInfo:
        """The video, as its first frame shows it."""
        return self.header.info

    @property
    def decoder(self) -> Decoder:
        """The decoder of the stream."""
        return "cpu" if self._hwaccel is None else "cuda"

    def _open_on_card(self) -> bool:
        """Return True if the GPU decodes the stream as it is; if not, nothing is left open."""
        try:
            self._open_part()
        except InputError:  # decoding on the CPU tells whether the file is to blame
            return False
        if self._video.surfaces:
            return True
        self._close_container()
        return False

    def _open_part(self) -> None:
        # A seek may land behind the start, with frames lost, or where pictures build on earlier
        # ones: then from further back, at last from the beginning of the file.
        inexact, start_s = False, self._part[0] or 0.0
        seeks = SEEK_BACK_S if self.medium is None or self.medium.may_seek else (None,)
        for back_s in (b for b in seeks if b is None or b < start_s):
            if self._open(back_s):
                break
            inexact = inexact or self.window.inexact
        if inexact:
            where = "with the file" if back_s is None else "further back"
            self.notes.say(
                f"key frames near the start build on earlier pictures: decoding begins {where}"
            )
        late = self.first_pts * self.pictures.time_base
        if self.window.start is not None and self.counts.before_key and late * self.rate > 1:
            self.notes.say(
                f"the part begins {float(late):.2f} s late, "
                "with the first frame that can be decoded"
            )

    def _open(self, back_s: float | None) -> bool:
        """Open, seek and read up to the first frame; return False to have it done again."""
        self.container = self._open_file()
        try:
            self._prepare()
            self._items = self._timed()
            if back_s is not None and not self.window.seek(back_s, self.clock):
                self._close_container()
                return False
            self._first = self._until_first_frame()
            if not self.window.arrived:
                self._close_container()
                return False
            self._check_framerate()
            self.header = self._header()
        except BaseException:
            self._close_container()
            raise
        return True

    def _open_file(self) -> InputContainer:
        if self.medium is not None:
            return self.medium.open()
        if self._hwaccel is None:
            return open_input(self.locator, self._framerate)
        with shared_context(self._hwaccel.hwaccel):
            return open_input(self.locator, self._framerate, self._hwaccel.hwaccel)

    def _prepare(self) -> None:
        stream = self.stream = choose_video(self.container, self.locator, self.notes)
        stream.thread_type = "AUTO"
        context = stream.codec_context
        if not self._hwaccel:
            export_quantisers(context)
        if self._hwaccel:
            # Each thread takes a surface, and FFmpeg gives up on NVDEC beyond 32 of them.
            stream.thread_count = 1
        if stream.time_base is None or stream.time_base <= 0:
            raise InputError(f"{self.locator}: the video stream has no time base")
        rate = self._framerate or stream.guessed_rate or stream.average_rate or Fraction(25)
        self.time_base, self.rate = stream.time_base, rate
        self.counts = SourceCounts()
        self.jumps = Jumps(bool(self.container.format.flags & MAY_JUMP))
        self.clock = PresentationClock(self.time_base, rate, self.container.format.name)
        self.window = Window(self.container, stream, *self._part)
        self.pictures = Pictures(
            self.time_base,
            context.name,
            deinterlace=self._deinterlace,
            upright=self._upright,
            each=self.locator.kind == "sequence",
            counts=self.counts,
            notes=self.notes,
            stay=bool(self._hwaccel and self._hwaccel.stay),
            coding=self._coding(context),
        )
        self._read = self._reading()
        self.still = still_picture(self.container, self.locator)
        if self.still:
            self.pictures.stored_matrix = self.still.display_matrix
            if self.still.primary.alpha:
                self.notes.say("the alpha channel (transparency) is not carried over")
        self._video = VideoDecoding(
            self.locator,
            stream,
            self._framerate,
            self.window,
            self.clock,
            self.pictures,
            self.counts,
            self.notes,
            hardware=self._hwaccel is not None,
            still=self.still,
            once=self.medium is not None,
        )

    @property
    def first_pts(self) -> int:
        """Time of the first frame, in units of ``time_base``; call before iterating."""
        frame = self._first[-1]
        return frame.pts or 0 if isinstance(frame, Frame) else 0

    def _check_framerate(self) -> None:
        pictures = self.locator.kind == "sequence" or is_image(self.locator.path)
        pictures = pictures or self.container.format.name == "rawvideo"
        if self._framerate is not None and not (pictures or self.clock.synthesised):
            raise OptionError(
                f"framerate = {self._framerate}: {self.locator} has timestamps of its own; "
                "expected pictures or a raw stream."
            )

    @property
    def first_number(self) -> int:
        """Number of a sequence's first picture, 1 for anything else."""
        if self.locator.kind != "sequence":
            return 1
        return next(iter(numbered_files(self.locator.path)), 1)

    def __iter__(self) -> Iterator[Item]:
        return marked(self._all_items(), self.jumps)

    def _all_items(self) -> Iterator[Frame | Packet]:
        yield from self._first
        self._first = []
        yield from self._items

    def other_packets(self) -> Iterator[Packet]:
        """Yield the packets of all streams but the video, which is not decoded any more.

        They come placed as iterating places them. After this nothing else is left to iterate.
        """
        yield from (item for item in self._first if not isinstance(item, Frame))
        self._first = []
        self._read.enough = True
        for packet in self._packets():
            if self.window.over:
                break
            if packet.stream.index == self.stream.index:
                self.window.pass_video(packet)
            elif packet.size and self.window.place_packet(packet):
                yield packet

    def _until_first_frame(self) -> list[Frame | Packet]:
        seen: list[Packet] = []
        for item in self._items:
            if isinstance(item, Frame):
                # Where the part ends is known only now.
                return [*(p for p in seen if self.window.before_end(p)), item]
            seen.append(item)
        if not self.window.arrived:
            return []
        where = f" from {float(self.window.start_s):g} s on" if self.window.start_s else ""
        if self.counts.decoded:
            raise InputError(f"{self.locator}: no frame lies in the part asked for{where}")
        errors = f" ({self.counts.failed_packets} packets failed)"
        raise InputError(
            f"{self.locator}: no video frame could be decoded{where}{errors}",
            hint="the file may be damaged, encrypted, or start later than asked for.",
        )

    def _timed(self) -> Iterator[Frame | Packet]:
        """Yield everything, each frame with the time that it is shown, which the next one tells."""
        durations = FrameDurations()
        try:
            for item in self._demux():
                if isinstance(item, Frame):
                    yield from durations.push(item)
                else:
                    yield item
        except InputError:
            yield from durations.flush(None)
            raise
        packets = self._video.packets + packets_before(self.stream, self._video.first_dts)
        announced = announced_end(self.container, self.stream, packets, self.medium)
        yield from durations.flush(self.window.last_frame_end(announced, self.clock.step))

    def _demux(self) -> Iterator[Frame | Packet]:
        """Yield everything in file order, from the seek point to the end of the window."""
        for packet in self._packets():
            if self.window.over or self.window.missed:
                break
            if packet.stream.index != self.stream.index:
                if packet.size and self.window.place_packet(packet):
                    yield packet
            elif self.window.video_done:
                self._read.enough = True
                self.window.see_late_video(packet)
            elif self.window.decodable(packet):
                yield from self._video.packet(packet)
        yield from self._finish()

    def _coding(self, context: VideoCodecContext) -> CodingErrors:
        return CodingErrors(
            context.name,
            context.extradata,
            exported=not self._hwaccel,
            ahead=True,
            alone=self.locator.kind == "file" and is_image(self.locator.path),
        )

    def _reading(self) -> ReadAhead:
        """Return what reads packets, some way ahead where their headers are of use."""
        packets = self.container.demux(
            [s for s in self.container.streams if s.type != "attachment"]
        )
        coding = self.pictures.coding
        see = coding.see if coding.reads_ahead else None
        read = _checked(packets, self.medium)
        return ReadAhead(read, self.stream.index, see, coding.see_other)

    def _packets(self) -> Iterator[Packet]:
        while True:
            try:
                packet = next(self._read, None)
            except (av.error.FFmpegError, OSError) as error:
                if self.medium is not None:
                    self.medium.check()
                if self._video.sequence:
                    raise self._video.sequence.unreadable(str(error)) from error
                what = error if self.medium is None else error.strerror
                raise InputError(
                    f"{self.locator}: reading failed after frame {self.counts.decoded}: {what}",
                    hint="check the file, or keep its readable part with `duration`.",
                ) from error
            if packet is None:
                return
            self.jumps.mend(packet)
            yield packet

    def _finish(self) -> Iterator[Frame]:
        yield from self._video.finish()
        if self.window.arrived and self.counts.decoded:
            self._video.check_end()
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
        if self.pictures.fields and not self.pictures.saw_interlaced:
            self.notes.say(
                "no frame is interlaced: deinterlace = 'field' (smoother motion) changed nothing"
            )
        for sentence in c.sentences(self.rate):
            self.notes.say(sentence)

    def _ends_early(self) -> bool:
        """Return True if no frame count is announced and the video ends long before the file."""
        duration = self.container.duration
        if self.stream.frames or not duration or not self.window.whole:
            return False
        length_s = duration / av.time_base
        return self.window.last_frame_s < length_s - max(1.0, 0.05 * length_s)

    def _header(self) -> StreamHeader:
        return StreamHeader(
            info=self._describe(),
            streams=self._streams(),
            video=self.stream.index,
            tags=advance_tag(self.container.metadata, self._skipped_frames, self.rate),
            chapters=tuple(self.window.place_chapters(self.container.chapters())),
            first_pts=self.first_pts,
            first_number=self.first_number,
            seekable=(self.medium or self.locator).may_seek,
            decoder=self.decoder,
            service=self._service(),
            picture_tags=self._picture_tags(),
            counted_frames=self._counted_frames(),
        )

    def _counted_frames(self) -> int | None:
        if not self.window.whole:
            return None
        if self.locator.kind == "sequence":
            return len(numbered_files(self.locator.path))
        return self.stream.frames or None

    def _streams(self) -> tuple[SideStream, ...]:
        """Return the streams of the file; the other items of a still picture are none."""
        streams = side_streams(self.container, self.medium)
        return tuple(
            replace(s, tags=advance_tag(s.tags, self._skipped_frames, self.rate))
            for s in streams
            if s.index == self.stream.index or not self.still
        )

    @property
    def _skipped_frames(self) -> int:
        """How many frames lie before the first one, counted at the nominal rate."""
        if self.window.start is None:
            return 0
        begin = (self.stream.start_time or 0) * self.time_base
        return round((self.window.start + self.first_pts * self.time_base - begin) * self.rate)

    def _picture_tags(self) -> PictureTags:
        if self.locator.kind == "sequence":
            return read_tags(next(iter(numbered_files(self.locator.path).values())), self.notes)
        path = self.locator.path
        if self.medium is not None:
            return PictureTags()
        return read_tags(path, self.notes) if is_image(path) else PictureTags()

    def _service(self) -> Service | None:
        if self.container.format.name != "mpegts":
            return None
        if self.medium is not None:
            return service_in(self.medium.head(READ_BYTES), self.stream.id)
        return find_service(self.locator.path, self.stream.id)

    def _describe(self) -> SourceInfo:
        frame = self._first[-1]
        assert isinstance(frame, Frame)
        part = not self.window.whole
        late = part or self.counts.before_key  # the file's own length begins with its packets
        duration_s = self.window.length_s(self._first_time if late else None)
        doubled = self.pictures.fields and self.pictures.interlaced
        rate = 2 * self.rate if doubled else self.rate
        listed = self._listed_frames() if part and not doubled else None
        estimate = self.window.frames_in(duration_s, rate) if duration_s else None
        return SourceInfo(
            path=str(self.locator),
            container=self.container.format.name,
            codec=self.stream.codec_context.codec.canonical_name,
            format=frame.format,
            time_base=self.pictures.time_base,
            rate=rate,
            sample_aspect_ratio=self._aspect(),
            display_matrix=None if self._upright else self.pictures.display_matrix,
            interlaced=self.pictures.interlaced,
            hdr=self.pictures.hdr,
            matrix_assumed=self.pictures.matrix_assumed,
            duration_s=duration_s,
            frames=estimate if listed is None else listed,
            frames_about=part and listed is None and estimate is not None,
            marks=marks_of(self.stream, self.pictures.stereo),
        )

    @property
    def _first_time(self) -> Fraction:
        """Time of the first frame in the file, in seconds."""
        return self.first_pts * self.pictures.time_base + (self.window.start or 0)

    def _listed_frames(self) -> int | None:
        """Return how many frames the part has, None where the container does not list them."""
        times: Sequence[int] | None = None
        if self.locator.kind == "sequence":
            times = range(len(numbered_files(self.locator.path)))
        else:
            times = listed_times(self.container, self.stream)
        if times is None:
            return None
        end = None if self.window.end is None else self.window.end / self.time_base
        return count_between(times, round(self._first_time / self.time_base), end)

    def _aspect(self) -> Fraction:
        """Return the width of a sample over its height, 1 where the file does not say."""
        context = self.stream.codec_context
        ratio = self.stream.sample_aspect_ratio or context.sample_aspect_ratio or Fraction(1)
        ratio = ratio if ratio > 0 else Fraction(1)
        return 1 / ratio if self.pictures.quarter_turned else ratio

    def stop(self) -> None:
        """End a read that waits for a pipe or an address, from any thread."""
        if self.medium is not None:
            self.medium.stop()

    def _close_container(self) -> None:
        close_input(self.container)

    def _close_medium(self) -> None:
        if self.medium is not None:
            self.medium.close()

    def close(self) -> None:
        self._close_container()
        self._close_medium()

    def __del__(self) -> None:
        # One that is left behind, perhaps half read, must not be freed with pictures in flight.
        if hasattr(self, "container"):
            self.close()


def _checked(packets: Iterator[Packet], medium: Medium | None) -> Callable[[], Packet | None]:
    """Return a function that gives the next packet, and raises what went wrong with reading it."""

    def read() -> Packet | None:
        packet = next(packets, None)
        if medium is not None:
            medium.check()
        return packet

    return read
