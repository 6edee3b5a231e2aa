"""From the decoder's pictures to frames: one planar format, deinterlaced, upright if asked for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction

import av
from av.sidedata.sidedata import Type

from vidsr.errors import InputError
from vidsr.notes import Notes
from vidsr.option_values import Deinterlace
from vidsr.picture.coding_error import CodingError
from vidsr.picture.color import MATRIX_UNSPECIFIED, is_doubtful
from vidsr.picture.frame import Frame, VideoFormat, view_planes
from vidsr.video.coding.activity import first_plane
from vidsr.video.coding.coding_errors import CodingErrors
from vidsr.video.filters import (
    DEINTERLACE,
    FIELDS,
    Filters,
    FrameFilter,
    can_deinterlace,
    swaps_sides,
    upright_filters,
)
from vidsr.video.hdr import DYNAMIC, HdrMetadata, find_display_matrix, find_hdr, find_stereo
from vidsr.video.info import SourceCounts
from vidsr.video.items import Packet
from vidsr.video.pixel_formats import (
    conform,
    has_alpha,
    has_clear_colors,
    on_gpu,
    read_format,
    resolve_matrix,
)
from vidsr.video.side_data import SideData, Watch
from vidsr.video.source import nvdec
from vidsr.video.streams.captions import MARK

_CAPTIONED = ("av1", "h264", "hevc", "mpeg2video")


class Pictures:
    """A reader of one stream's pictures and of what they say of themselves; a frame for each.

    The first picture's format is the ``reference`` that later ones are converted to; sizes may
    change. ``upright`` turns pictures as the display matrix of the first one says, with ``each``
    as their own says. ``stay`` leaves pictures on the GPU that decoded them, wherever nothing has
    to be done to them.
    """

    def __init__(
        self,
        time_base: Fraction,
        codec: str,
        *,
        deinterlace: Deinterlace,
        upright: bool,
        counts: SourceCounts,
        notes: Notes,
        stay: bool = False,
        each: bool = False,
        coding: CodingErrors | None = None,
    ) -> None:
        self.time_base, self.codec = time_base, codec
        self.counts, self.notes = counts, notes
        self.coding = coding or CodingErrors(codec, exported=False)
        self.hdr = HdrMetadata()
        self.display_matrix: tuple[int, ...] | None = None
        self.stored_matrix: tuple[int, ...] | None = None
        self.stereo = 0
        self.matrix_assumed = False
        self.interlaced = self.saw_interlaced = False
        self.fields = deinterlace == "field"
        if self.fields:  # the second field lies between two frames, often between two ticks
            self.time_base = time_base / 2
        filters = FIELDS if self.fields else DEINTERLACE
        wanted = deinterlace != "off"
        self._deinterlacer = FrameFilter(filters, self.time_base) if wanted else None
        self._upright, self._stay, self._each = upright, stay, each
        self._side_data, self._watch = SideData(), Watch()
        self._turner: FrameFilter | None = None
        self._first_turn: Filters = ()
        self._captioned = False
        self._captions: dict[int | None, bytes] = {}
        self._errors: dict[int | None, CodingError | None] = {}
        self._last_error: CodingError | None = None
        self._first: VideoFormat | None = None
        self._reference: VideoFormat | None = None

    @property
    def quarter_turned(self) -> bool:
        """True if width and height have changed places."""
        return self._turner is not None and swaps_sides(self._turner.filters)

    def push(self, image: av.VideoFrame) -> Iterator[Frame]:
        """Put a decoded picture in; take out the frames that are ready. Raises InputError."""
        captions = self._observe(image)
        if self.fields and image.pts is not None:
            image.pts, image.duration = 2 * image.pts, 2 * (image.duration or 0)
            image.time_base = self.time_base
        if on_gpu(image):
            if (frame := self._resident(image)) is not None:
                yield replace(frame, captions=captions)
                return
            image = self._fetch(image)
        interlaced = image.interlaced_frame
        self.saw_interlaced = self.saw_interlaced or interlaced
        planar = self._conform(image)
        self._errors[planar.pts] = self._coding_error(planar)
        if captions:
            self._captions[planar.pts] = captions
        if self._deinterlacer and (interlaced or self.interlaced):
            progressive = self._progressive(self._deinterlacer, planar, interlaced)
        else:
            progressive = iter((planar,))
        yield from self._deliver(progressive)

    def _resident(self, image: av.VideoFrame) -> Frame | None:
        """Return the surface as a frame on the GPU, None where the CPU has something to do."""
        filtered = self._deinterlacer and (image.interlaced_frame or self.interlaced)
        if not self._stay or filtered or self._turner or not nvdec.has_tensors(image):
            return None
        layout = self._read(nvdec.blank(image))
        first = self._first or layout
        if (layout.pixel, layout.color) != (first.pixel, first.color):
            return None
        layout = self._settle(layout, layout.pixel.name)
        error = self.coding.of(None, layout.pixel.depth)
        self.counts.coding.add(error)
        planes, duration = nvdec.unpack(image), image.duration or None
        return Frame(planes, layout, image.pts, duration, coding_error=error)

    def _fetch(self, image: av.VideoFrame) -> av.VideoFrame:
        if self._stay:
            self.notes.say(
                "frames that are deinterlaced, turned, converted, or of an odd size or full chroma "
                "are brought from the GPU to the CPU"
            )
        return nvdec.fetch(image)

    def flush(self) -> Iterator[Frame]:
        """Take out what is left. Raises InputError."""
        if self._deinterlacer:
            yield from self._deliver(self._deinterlacer.flush())
        if self._turner:
            yield from map(self._frame, self._turner.flush())

    def _progressive(
        self, deinterlacer: FrameFilter, image: av.VideoFrame, interlaced: bool
    ) -> Iterator[av.VideoFrame]:
        if not can_deinterlace(image):
            self.notes.say("interlaced frames of this size or format are left as they are")
            yield from deinterlacer.flush()
            yield image
            return
        self.interlaced = True
        self.counts.deinterlaced += interlaced
        into = "each field becomes a frame" if self.fields else "interlaced frames are deinterlaced"
        self.notes.choose(f"{into}; deinterlace = 'off' keeps them")
        yield from deinterlacer.push(image)

    def _deliver(self, images: Iterator[av.VideoFrame]) -> Iterator[Frame]:
        try:
            for image in images:
                turned = self._turner.push(image) if self._turner else iter((image,))
                yield from map(self._frame, turned)
        except av.error.FFmpegError as error:
            raise InputError(f"frame {self.counts.decoded}: cannot be filtered: {error}") from error

    def _frame(self, image: av.VideoFrame) -> Frame:
        assert self._reference is not None
        layout = replace(self._reference, width=image.width, height=image.height)
        # Both fields of a frame came out of one coded picture.
        error = self._errors.pop(image.pts, self._last_error if self.fields else None)
        self._last_error = error
        if error is not None and self._turner:
            error = replace(error, blocks=None)
        self.counts.coding.add(error)
        planes, duration = view_planes(image), image.duration or None
        captions = self._captions.pop(image.pts, b"")
        return Frame(planes, layout, image.pts, duration, coding_error=error, captions=captions)

    def _coding_error(self, planar: av.VideoFrame) -> CodingError | None:
        depth = planar.format.components[0].bits
        return self.coding.of(first_plane(planar.planes[0], depth), depth)

    def see_packet(self, packet: Packet) -> None:
        """Look at a packet before it is decoded: where one has captions, each picture may."""
        if not self._captioned and self.codec in _CAPTIONED:
            self._captioned = MARK in bytes(packet)

    def _observe(self, image: av.VideoFrame) -> bytes:
        """Note what a picture says of itself; return its captions."""
        if image.is_corrupt:
            self.counts.concealed += 1
        look = self._watch.due(image) or self._each or self._captioned
        captions = self._look(image) if look else b""
        if has_alpha(image) or has_clear_colors(image):
            self.notes.say("the alpha channel (transparency) is not carried over")
        return captions

    def _look(self, image: av.VideoFrame) -> bytes:
        items = self._side_data.read(image)
        if self.hdr.empty:
            self.hdr = find_hdr(items)
        if self._first is None:
            self.stereo = find_stereo(items)
        if self._first is None or self._each:
            matrix = self.stored_matrix or find_display_matrix(items, image.rotation)
            if self._first is None:
                self.display_matrix = matrix
            self._turn(matrix)
        kinds = {item.type for item in items}
        if kinds.intersection(DYNAMIC):
            self.notes.say("dynamic HDR metadata (HDR10+, Dolby Vision) is not carried over")
        captions = next((item.data for item in items if item.type == Type.A53_CC), b"")
        self._captioned = self._captioned or bool(captions)
        return captions

    def _turn(self, matrix: tuple[int, ...] | None) -> None:
        filters = upright_filters(matrix) if matrix and self._upright else ()
        if filters is None:
            self.notes.say("the display matrix is no quarter turn and is not carried over")
            filters = ()
        if self._first is not None and swaps_sides(filters) != self.quarter_turned:
            self.notes.say("pictures that lie across the first one are left lying so")
            filters = self._first_turn
        if filters == (self._turner.filters if self._turner else ()):
            return
        self._turner = FrameFilter(filters, self.time_base) if filters else None
        if self._first is None:
            self._first_turn = filters
        why = "as each picture says" if self._each else "the target cannot store a rotation"
        self.notes.choose(f"the picture is turned upright: {why}")

    def _conform(self, image: av.VideoFrame) -> av.VideoFrame:
        layout = self._read(image)
        return conform(image, layout, self._settle(layout, image.format.name))

    def _settle(self, layout: VideoFormat, name: str) -> VideoFormat:
        """Note a picture's format and return what it becomes: the reference, in its size."""
        if self._first is None or self._reference is None:
            self._first, self._reference = layout, self._turnable(layout)
        first = self._first
        if (layout.pixel, layout.color) != (first.pixel, first.color):
            self.counts.conformed += 1
            self.notes.say(
                f"the picture format changes mid-stream from {first.pixel.name} "
                f"({first.color.describe()}) to {name} "
                f"({layout.color.describe()}): converted back"
            )
        if (layout.width, layout.height) != (first.width, first.height):
            self.counts.resized += 1
            self.notes.say(f"the picture size changes mid-stream from {first.width}x{first.height}")
        return replace(self._reference, width=layout.width, height=layout.height)

    def _turnable(self, layout: VideoFormat) -> VideoFormat:
        """Return a format that can be turned: 4:4:4 for 4:2:2, which would halve chroma down."""
        if self.quarter_turned and layout.pixel.subsampling == (2, 1):
            return replace(layout, pixel=replace(layout.pixel, subsampling=(1, 1)))
        return layout

    def _read(self, image: av.VideoFrame) -> VideoFormat:
        """Return the picture's format with its matrix made definite."""
        layout = read_format(image, self.codec)
        if layout.color.matrix != MATRIX_UNSPECIFIED or layout.pixel.family == "gray":
            return layout
        self.matrix_assumed = True
        first = self._first or layout
        color = resolve_matrix(layout.color, first.height)
        self._tell_matrix(color.describe().split()[0], first.width, first.height)
        return replace(layout, color=color)

    def _tell_matrix(self, name: str, width: int, height: int) -> None:
        """Warn of an assumed matrix where players assume another one, else record it."""
        said = f"the source names no colour matrix: {name} is assumed for {width}x{height}"
        if is_doubtful(width, height):
            self.notes.say(
                f"{said}, where many players assume BT.709; if colours come out wrong, "
                "name the matrix in the source"
            )
        else:
            self.notes.detail(said)
