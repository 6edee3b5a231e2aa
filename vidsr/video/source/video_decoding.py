"""The decoding of one video stream: packets in, frames of the window out, errors counted."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction

import av
from av.video.stream import VideoStream

from vidsr.errors import InputError
from vidsr.notes import Notes
from vidsr.picture.frame import Frame
from vidsr.video.bitstream.layers import has_layers
from vidsr.video.heif.still_picture import StillPicture
from vidsr.video.info import SourceCounts
from vidsr.video.items import Packet
from vidsr.video.locator import Locator
from vidsr.video.pixel_formats import on_gpu
from vidsr.video.source.frame_reader import Pictures
from vidsr.video.source.lost_tail import KeptPackets, decode_tail
from vidsr.video.source.nvdec import is_exact
from vidsr.video.source.presentation_clock import PresentationClock
from vidsr.video.source.sequence import NumberedPictures
from vidsr.video.source.time_window import Window
from vidsr.video.whole_pictures import is_cut_short, not_decoded

# As many packets failing in a row up to the end mean that the decoder died, not that it hid a flaw.
DEAD_TAIL_PACKETS = 25
_LOOKED_AT_PACKETS = 8
MANY = 32  # threads of a decoder, where it chooses their number itself


@dataclass
class VideoDecoding:
    """The decoder of one stream, with the clock, the window and the pictures of its frames.

    ``hardware`` is True where NVDEC decodes, ``surfaces`` where it gave the first picture exactly;
    ``packets`` counts those of the stream that were decoded, of which the first
    has the decoding time ``first_dts``. ``still`` is the picture that a HEIF
    file is about. ``once`` is True for a source that cannot be read again.
    """

    locator: Locator
    stream: VideoStream
    framerate: Fraction | None
    window: Window
    clock: PresentationClock
    pictures: Pictures
    counts: SourceCounts
    notes: Notes
    hardware: bool = False
    still: StillPicture | None = None
    once: bool = False
    surfaces: bool = field(default=False, init=False)
    sequence: NumberedPictures | None = field(default=None, init=False)
    packets: int = field(default=0, init=False)
    first_dts: int | None = field(default=None, init=False)
    _failed_in_row: int = field(default=0, init=False)
    _sent: int = field(default=0, init=False)
    _last_pts: int | None = field(default=None, init=False)
    _first_key: int | None = field(default=None, init=False)
    _kept: KeptPackets | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        if self.once and not self.hardware:
            self._kept = KeptPackets(self.stream, self.stream.codec_context.thread_count or MANY)
        if self.locator.kind == "sequence":
            self.sequence = NumberedPictures(self.locator.path)

    def packet(self, packet: Packet) -> Iterator[Frame]:
        """Decode a packet, or drain the decoder by an empty one; yield the frames that are ready.

        Raises InputError for a picture of a sequence or one that is cut short.
        """
        self.clock.packet(packet)
        if not self.packets:
            self.first_dts = packet.dts
        self.packets += bool(packet.size)
        self._sent += self._will_show(packet)
        self._count_keyless(packet)
        if self.sequence and packet.size:
            self.sequence.sent(packet)
        self._check_whole(packet)
        if self._kept and packet.size:
            self._kept.push(packet)
        self.pictures.coding.packet(packet)
        self.pictures.see_packet(packet)
        if self.packets <= _LOOKED_AT_PACKETS:
            self._look_for_layers(packet)
        images: list[av.VideoFrame] = []
        try:
            images = packet.decode()
            self._failed_in_row = 0
        except av.error.EOFError:
            pass
        except av.error.FFmpegError as error:
            if self.sequence:
                raise self.sequence.undecodable(self._codec, str(error)) from error
            self._failed_in_row += 1
            if packet.size:  # else the decoder is being drained: see _tail
                self.counts.failed_packets += 1
                self.clock.lost()
        for image in images:
            yield from self._image(image)
        if self.sequence and not packet.size:
            self.sequence.check_end(self._codec)

    def _check_whole(self, packet: Packet) -> None:
        if self._codec in ("tiff", "webp") and (reason := not_decoded(packet)):
            place = self.sequence.latest if self.sequence else self.locator
            raise InputError(f"{place}: is {reason}", hint="convert it first.")
        if not packet.size or not is_cut_short(self._codec, packet):
            return
        if self.sequence:
            raise self.sequence.undecodable(self._codec)
        raise InputError(f"{self.locator}: expected a {self._codec} picture, got a damaged one")

    def _look_for_layers(self, packet: Packet) -> None:
        context = self.stream.codec_context
        if has_layers(context.codec.canonical_name, bytes(packet), bytes(context.extradata or b"")):
            self.notes.say(
                "the layers beside the pictures (another view, alpha or more detail) are not "
                "carried over"
            )

    @property
    def _codec(self) -> str:
        """FFmpeg's name of the decoder."""
        return self.stream.codec_context.name

    def _count_keyless(self, packet: Packet) -> None:
        """Count packets of the part before the first key frame: they give no pictures."""
        if self._first_key is None and not self.counts.decoded and self.window.has_begun(packet):
            self.counts.before_key += bool(packet.size)

    def _will_show(self, packet: Packet) -> bool:
        """Return True if a frame is due for the packet: before the first key it may not be."""
        if packet.is_keyframe and self._first_key is None:
            self._first_key = packet.pts or 0
        if self._first_key is None or packet.is_discard or not packet.size:
            return False
        return packet.pts is None or packet.pts >= self._first_key

    def _image(self, image: av.VideoFrame) -> Iterator[Frame]:
        self.counts.decoded += 1
        if self.still:
            image = self.still.whole(image)
        if self.sequence:
            self.sequence.shown()
        if self.hardware:
            self._observe_surface(image)
        self.pictures.coding.picture(image)
        self._last_pts = image.pts  # its own: without a number it may have had until here
        pts = self.clock.stamp(image)
        guessed = self.clock.synthesised > 0
        placed = self.window.place_frame(pts, guessed=guessed, key=bool(image.key_frame))
        if placed is not None:
            image.pts, image.time_base = placed, self.window.time_base
            yield from self.pictures.push(image)

    def _observe_surface(self, image: av.VideoFrame) -> None:
        context = self.stream.codec_context
        if self.counts.decoded == 1:
            self.surfaces = is_exact(image, context.width, context.height)
        elif self.surfaces and not on_gpu(image):
            self.notes.say("NVDEC cannot decode every frame: the CPU does the others")

    def _tail(self) -> Iterator[Frame]:
        """Yield the frames that an error kept from being drained out of the decoder's threads."""
        counts = self.counts
        missing = self._sent - counts.decoded - counts.failed_packets
        # More are missing where a packet is only a field, or holds nothing to show.
        if self.window.video_done or not 0 < missing <= self.stream.codec_context.thread_count:
            return
        after = None if self.clock.decoding_only else self._last_pts
        if self._kept:
            images = self._kept.decode(counts, after=after)
        else:
            images = decode_tail(self.locator, self.framerate, self.notes, counts, after=after)
        for image in images:
            yield from self._image(image)

    def finish(self) -> Iterator[Frame]:
        """Yield the last frames, and complete the counts. Raises InputError."""
        if self.window.arrived:
            yield from self._tail()
        yield from self.pictures.flush()
        self.counts.synthesised_pts = self.clock.synthesised
        self.counts.retimed = self.clock.retimed

    def check_end(self) -> None:
        """Raise InputError where the decoder died before the end."""
        if self._failed_in_row >= DEAD_TAIL_PACKETS:
            raise InputError(
                f"{self.locator}: decoding died after frame {self.counts.decoded}: "
                f"the last {self._failed_in_row} packets all failed",
                hint=f"duration = {self.window.last_frame_s:.3f} keeps the part that decodes.",
            )
