"""Frames out of a file, each with its own timestamp, beside the packets of every other stream."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self, TypeAlias

import av
from av.sidedata.sidedata import Type

from vidsr.color import MATRIX_UNSPECIFIED
from vidsr.errors import InputError
from vidsr.frame import Frame, VideoFormat, view_planes
from vidsr.notes import Notes
from vidsr.video.filters import DEINTERLACE, FrameFilter, swaps_sides, upright_filters
from vidsr.video.hdr import DYNAMIC, HdrMetadata, read_display_matrix, read_hdr, side_data
from vidsr.video.images import is_pattern, numbered_files
from vidsr.video.info import SourceCounts, SourceInfo
from vidsr.video.opening import choose_video, open_input
from vidsr.video.pixels import conform, read_format, resolve_matrix
from vidsr.video.timestamps import PresentationClock
from vidsr.video.window import Window

Packet: TypeAlias = "av.Packet[Any]"
Item: TypeAlias = "Frame | Packet"
Deinterlace = Literal["auto", "off"]

# As many packets failing in a row up to the end mean that the decoder died, not that it hid a flaw.
DEAD_TAIL_PACKETS = 25


class Source:
    """Decodes one video stream of a file; iterate for frames and foreign packets in file order.

    Opening decodes up to the first frame, so that what cannot be decoded is refused at once.
    ``upright`` turns pictures as the display matrix says, for targets that cannot store one.
    Raises InputError. Not thread-safe: one thread iterates; ``counts`` may be read afterwards.
    """

    def __init__(
        self,
        path: str | Path,
        *,
        start_s: float | None = None,
        duration_s: float | None = None,
        deinterlace: Deinterlace = "auto",
        framerate: Fraction | None = None,
        upright: bool = False,
        notes: Notes | None = None,
    ) -> None:
        self.notes = notes or Notes()
        self.counts = SourceCounts()
        self.path = Path(path)
        self.container = open_input(self.path, framerate)
        try:
            self.stream = choose_video(self.container, self.path, self.notes)
            self.stream.thread_type = "AUTO"
            self._upright = upright
            self._prepare(start_s, duration_s, deinterlace, framerate)
            self._items = self._demux()
            self._first = self._until_first_frame()
            self.info = self._describe()
        except BaseException:
            self.container.close()
            raise

    def _prepare(
        self,
        start_s: float | None,
        duration_s: float | None,
        deinterlace: Deinterlace,
        framerate: Fraction | None,
    ) -> None:
        time_base = self.stream.time_base
        if time_base is None or time_base <= 0:
            raise InputError(f"{self.path}: the video stream has no time base")
        rate = framerate or self.stream.guessed_rate or self.stream.average_rate or Fraction(25)
        self.time_base, self.rate = time_base, rate
        self.clock = PresentationClock(time_base, rate, self.container.format.name)
        self.window = Window(self.container, start_s, duration_s)
        self._deinterlacer = FrameFilter(DEINTERLACE, time_base) if deinterlace == "auto" else None
        self._deinterlacing = False
        self._turner: FrameFilter | None = None
        self._hdr = HdrMetadata()
        self._failed_in_row = 0
        self._reference: VideoFormat | None = None
        self._display_matrix: tuple[int, ...] | None = None
        self._matrix_assumed = False
        self.window.seek()

    @property
    def first_number(self) -> int:
        """Number of a sequence's first picture, 1 for anything else."""
        return next(iter(numbered_files(self.path)), 1) if is_pattern(self.path) else 1

    def __iter__(self) -> Iterator[Item]:
        yield from self._first
        self._first = []
        yield from self._items

    def _until_first_frame(self) -> list[Item]:
        seen: list[Item] = []
        for item in self._items:
            seen.append(item)
            if isinstance(item, Frame):
                return seen
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
        wanted = [s for s in self.container.streams if s.type != "attachment"]
        packets = self.container.demux(wanted)
        while True:
            try:
                packet = next(packets, None)
            except (av.error.FFmpegError, OSError) as error:
                raise InputError(
                    f"{self.path}: reading failed after frame {self.counts.decoded}: {error}",
                    hint="check the file, or keep its readable part with --duration.",
                ) from error
            if packet is None or self.window.over:
                break
            if packet.stream.index == self.stream.index and self.window.video_done:
                self.window.see_late_video(packet)
            elif packet.stream.index == self.stream.index:
                yield from self._video_packet(packet)
            elif packet.size and self.window.place_packet(packet):
                yield packet
        yield from self._finish()

    def _video_packet(self, packet: Packet) -> Iterator[Frame]:
        self.clock.packet(packet)
        try:
            images = packet.decode()
            self._failed_in_row = 0
        except av.error.EOFError:
            images = []
        except av.error.FFmpegError:
            self.counts.failed_packets += 1
            self.clock.lost()
            self._failed_in_row += 1
            images = []
        for image in images:
            yield from self._image(image)

    def _image(self, image: av.VideoFrame) -> Iterator[Frame]:
        self.counts.decoded += 1
        pts = self.clock.stamp(image)
        placed = self.window.place_frame(pts, self.time_base)
        if placed is None:
            return
        image.pts, image.time_base = placed, self.time_base
        self._observe(image)
        if self._deinterlacer and (image.interlaced_frame or self._deinterlacing):
            self._deinterlacing = True
            self.counts.deinterlaced += image.interlaced_frame
            self.notes.say("interlaced frames are deinterlaced; --deinterlace off keeps them")
            for progressive in self._deinterlacer.push(image):
                yield from self._deliver(progressive)
        else:
            yield from self._deliver(image)

    def _turn(self, matrix: tuple[int, ...] | None) -> None:
        if matrix is None or not self._upright:
            return
        filters = upright_filters(matrix)
        if filters is None:
            self.notes.say("the display matrix is no quarter turn and is not carried over")
            return
        self._turner = FrameFilter(filters, self.time_base)
        self.notes.say("the picture is turned upright: the target cannot store a rotation")

    def _deliver(self, image: av.VideoFrame) -> Iterator[Frame]:
        turned = self._turner.push(image) if self._turner else iter((image,))
        yield from map(self._frame, turned)

    def _observe(self, image: av.VideoFrame) -> None:
        if image.is_corrupt:
            self.counts.concealed += 1
        if self._hdr.empty:
            self._hdr = read_hdr(image)
        if self._display_matrix is None and self.counts.decoded == 1:
            self._display_matrix = read_display_matrix(image)
            self._turn(self._display_matrix)
        kinds = {item.type for item in side_data(image)}
        if kinds.intersection(DYNAMIC):
            self.notes.say("dynamic HDR metadata (HDR10+, Dolby Vision) is not carried over")
        if Type.A53_CC in kinds:
            self.notes.say("closed captions inside the picture (CEA-608/708) are not carried over")

    def _frame(self, image: av.VideoFrame) -> Frame:
        layout = self._read(image)
        reference = self._reference = self._reference or layout
        if (layout.pixel, layout.color) != (reference.pixel, reference.color):
            self.counts.conformed += 1
            self.notes.say(
                f"the picture format changes mid-stream from {reference.pixel.name} "
                f"({reference.color.describe()}) to {image.format.name} "
                f"({layout.color.describe()}): converted back"
            )
        planar = conform(image, layout, reference)
        shown = VideoFormat(image.width, image.height, reference.pixel, reference.color)
        return Frame(view_planes(planar), shown, image.pts)

    def _read(self, image: av.VideoFrame) -> VideoFormat:
        """The frame's format with its matrix made definite."""
        layout = read_format(image, self.stream.codec_context.name)
        if layout.color.matrix != MATRIX_UNSPECIFIED or layout.pixel.family == "gray":
            return layout
        self._matrix_assumed = True
        height = self._reference.height if self._reference else layout.height
        color = resolve_matrix(layout.color, height)
        self.notes.say(
            f"the source names no colour matrix: {color.describe().split()[0]} assumed "
            f"(BT.709 from 720 lines up, else BT.601) and written to the target"
        )
        return replace(layout, color=color)

    def _finish(self) -> Iterator[Frame]:
        if self._deinterlacer:
            for image in self._deinterlacer.flush():
                yield from self._deliver(image)
        if self._turner:
            yield from map(self._frame, self._turner.flush())
        self.counts.synthesised_pts = self.clock.synthesised
        self.counts.retimed = self.clock.retimed
        if self._failed_in_row >= DEAD_TAIL_PACKETS and self.counts.decoded:
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
        for count, text in (
            (c.concealed, "frames were damaged and concealed by the decoder"),
            (c.failed_packets, "packets could not be decoded"),
            (c.synthesised_pts, f"frames have no timestamp: {float(self.rate):g} fps assumed"),
            (c.retimed, "timestamps did not increase and were moved"),
        ):
            if count:
                self.notes.say(f"{count} {text}")

    def _describe(self) -> SourceInfo:
        frame = self._first[-1]
        assert isinstance(frame, Frame)
        context = self.stream.codec_context
        duration_s = self.window.length_s(self.stream)
        return SourceInfo(
            path=str(self.path),
            container=self.container.format.name,
            codec=context.codec.canonical_name,
            format=frame.format,
            time_base=self.time_base,
            rate=self.rate,
            sample_aspect_ratio=self._aspect(),
            display_matrix=None if self._upright else self._display_matrix,
            interlaced=self._deinterlacing,
            hdr=self._hdr,
            matrix_assumed=self._matrix_assumed,
            duration_s=duration_s,
            frames=round(duration_s * self.rate) if duration_s else None,
        )

    def _aspect(self) -> Fraction:
        """Width of a sample over its height, 1 where the file does not say."""
        context = self.stream.codec_context
        ratio = self.stream.sample_aspect_ratio or context.sample_aspect_ratio or Fraction(1)
        ratio = ratio if ratio > 0 else Fraction(1)
        turned = self._turner is not None and swaps_sides(self._turner.filters)
        return 1 / ratio if turned else ratio

    def close(self) -> None:
        self.container.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
