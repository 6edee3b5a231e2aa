"""The encoder of live video: each frame comes out before the next one goes in."""

from __future__ import annotations

import contextlib
import os
import threading
import time
from dataclasses import replace
from fractions import Fraction
from typing import Any

import av
from av.bitstream import BitStreamFilterContext
from av.video.frame import PictureType

from vidsr.errors import OptionError
from vidsr.live.base.copies import copy_image
from vidsr.live.base.formats import CodedFormat, SoundFormat
from vidsr.live.base.items import TIME_BASE, CodedPacket
from vidsr.live.base.latency_sei import SEI_CODECS, clock_message
from vidsr.live.base.options import EncoderOptions
from vidsr.live.sinks.encoding.settings import LiveSettings, plan_encoder
from vidsr.picture.frame import Frame, VideoFormat, tag_image
from vidsr.video.hdr import HdrMetadata
from vidsr.video.pixel_formats import conform

# The unit of quality in FFmpeg's encoders of the MPEG-1 family.
_LAMBDA = 118
_ERRORS = (av.error.FFmpegError, ValueError, OSError)
# Whose parameter sets FFmpeg finds in a packet.
_WITH_EXTRADATA = ("h264", "hevc", "av1")


class LiveEncoder:
    """An encoder that is set up by its first frame, and anew where the frames' format changes.

    ``encode`` and ``close`` are called by one thread, ``want_key_frame`` by any.

    Args:
        options: Codec, quality, rates and distance of key frames.
        rate: Frames a second, nominally: frames have times of their own.
        sample_aspect_ratio: Width of a sample through its height.
        hdr: Static metadata that go into the stream where the codec holds them.
        sound: The sound beside the video, which is only passed on in ``format``.
    """

    def __init__(
        self,
        options: EncoderOptions,
        *,
        rate: Fraction,
        sample_aspect_ratio: Fraction = Fraction(1),
        hdr: HdrMetadata | None = None,
        sound: SoundFormat | None = None,
    ) -> None:
        self.options = options
        self.format: CodedFormat | None = None
        """The format of the packets given so far; another object after it has changed."""
        self._rate, self._aspect, self._hdr = rate, sample_aspect_ratio, hdr or HdrMetadata()
        self._sound = sound
        self._layout: VideoFormat | None = None
        self._settings: LiveSettings | None = None
        self._context: av.VideoCodecContext | None = None
        self._key_wanted = threading.Event()
        self._last_pts: int | None = None
        self._last_key_pts: int | None = None

    def want_key_frame(self) -> None:
        """Make the next frame one at which decoding may begin."""
        self._key_wanted.set()

    def encode(self, frame: Frame, *, clock_ns: int | None = None) -> list[CodedPacket]:
        """Return the frame's packet: one, in the frame's time, unless the encoder drops it.

        Args:
            frame: The planes, ``pts`` and ``duration`` in units of ``TIME_BASE``. They are copied;
                ``release`` is left to the caller.
            clock_ns: The wall clock of the frame's arrival for ``latency_sei``, nanoseconds since
                the epoch; None for now.

        Raises:
            OptionError: The encoder refuses its settings or the pictures' size.
        """
        if self._context is None or frame.format != self._layout:
            self._open(frame.format)
        assert self._context is not None
        image = self._image(frame)
        image.pts, image.time_base = self._time(frame.pts), TIME_BASE
        key = self._take_key(image.pts)
        image.pict_type = PictureType.I if key else PictureType.NONE
        packets = self._context.encode(image)
        return [self._coded(packet, frame.duration or 0, clock_ns) for packet in packets]

    def close(self) -> None:
        """Give the encoder up; a second time does nothing."""
        context, self._context = self._context, None
        if context is not None:  # nothing is held back; SVT-AV1 complains unless it is drained
            with contextlib.suppress(*_ERRORS):
                context.encode(None)

    def _open(self, layout: VideoFormat) -> None:
        self.close()
        settings = plan_encoder(self.options, layout, self._rate, self._hdr)
        context = _context(settings, self._rate, self._aspect)
        try:
            context.open()
        except _ERRORS as error:
            reason = getattr(error, "strerror", None) or str(error)
            size = f"{layout.width}x{layout.height} {settings.encoder_format}"
            raise OptionError(f"{self.options.codec} at {size}: {reason}.") from error
        self._layout, self._settings, self._context = layout, settings, context
        self.format = None
        self._key_wanted.set()

    def _image(self, frame: Frame) -> av.VideoFrame:
        """Return the picture as the encoder takes it."""
        assert self._settings is not None
        target = self._settings.pictures
        # Siting is a tag: nothing is moved for it.
        color = replace(target.color, siting=frame.format.color.siting)
        image = conform(copy_image(frame), frame.format, replace(target, color=color))
        tag_image(image, target.color)
        return image

    def _time(self, pts: int | None) -> int:
        """Return a time past the last one; that of the frame unless its clock went back."""
        last = self._last_pts
        if pts is None:
            pts = 0 if last is None else last + round(1 / self._rate / TIME_BASE)
        self._last_pts = pts if last is None else max(pts, last + 1)
        return self._last_pts

    def _take_key(self, pts: int) -> bool:
        """Return True where a key frame is due: frames that are dropped count in no encoder."""
        last, wanted = self._last_key_pts, self._key_wanted.is_set()
        if last is not None and not self.options.intra_refresh:
            # Half a frame early rather than a frame late.
            apart_s = (pts - last + 1 / self._rate / TIME_BASE / 2) * TIME_BASE
            wanted |= apart_s >= self.options.keyframe_s
        return wanted

    def _coded(self, packet: av.Packet[Any], duration: int, clock_ns: int | None) -> CodedPacket:
        assert packet.pts is not None
        data, codec = bytes(packet), self.options.codec
        if packet.is_keyframe:
            self._last_key_pts = packet.pts
            self._key_wanted.clear()
        if self.format is None:
            self.format = self._describe(data)
        if self.options.latency_sei and codec in SEI_CODECS:
            data = clock_message(codec, time.time_ns() if clock_ns is None else clock_ns) + data
        # Without B-frames the order of decoding is that of showing.
        return CodedPacket(
            data, "video", packet.pts, packet.pts, duration=duration, key=packet.is_keyframe
        )

    def _describe(self, first: bytes) -> CodedFormat:
        assert self._settings is not None
        return CodedFormat(
            codec=self.options.codec,
            pictures=self._settings.pictures,
            rate=self._rate,
            extradata=parameter_sets(self.options.codec, first),
            sound=self._sound,
            sample_aspect_ratio=self._aspect,
        )


def _context(settings: LiveSettings, rate: Fraction, aspect: Fraction) -> av.VideoCodecContext:
    # SVT-AV1 prints to stderr by itself and listens to nothing but this variable.
    os.environ.setdefault("SVT_LOG", "1")
    context = av.CodecContext.create(settings.codec.encoder, "w")
    assert isinstance(context, av.VideoCodecContext)
    pictures, color = settings.pictures, settings.pictures.color
    context.width, context.height = pictures.width, pictures.height
    context.pix_fmt = settings.encoder_format
    context.sample_aspect_ratio = aspect
    context.time_base, context.framerate = TIME_BASE, min(rate, Fraction(settings.codec.max_rate))
    context.colorspace, context.color_range = color.matrix, color.range
    context.color_primaries, context.color_trc = color.primaries, color.transfer
    context.thread_type, context.thread_count = "SLICE", settings.threads
    context.options = dict(settings.options)
    if settings.quality:
        context.qscale, context.global_quality = True, round(settings.quality * _LAMBDA)
    return context


def parameter_sets(codec: str, packet: bytes) -> bytes:
    """Return what decoders need before a key frame, out of one; empty for codecs without it."""
    if codec not in _WITH_EXTRADATA:
        return b""
    for filtered in BitStreamFilterContext("extract_extradata", codec).filter(av.Packet(packet)):
        if filtered.has_sidedata("new_extradata"):
            return bytes(filtered.get_sidedata("new_extradata"))
    return b""
