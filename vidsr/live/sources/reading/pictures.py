"""Frames out of the decoded pictures of one connection, and their format wherever it changes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import av
from av.video.stream import VideoStream

from vidsr.live.base.items import TIME_BASE
from vidsr.notes import Notes
from vidsr.picture.frame import Frame
from vidsr.video.coding.codecs import export_quantisers
from vidsr.video.coding.coding_errors import CodingErrors
from vidsr.video.info import SourceCounts, SourceInfo
from vidsr.video.source.frame_reader import Pictures

USUAL_RATE = Fraction(25)
_RATES = Fraction(1), Fraction(300)  # outside, a rate is the unit of a clock


@dataclass(frozen=True)
class Shot:
    """A frame, and the format of it and of what follows where that is new."""

    frame: Frame
    info: SourceInfo | None = None


def nominal_rate(stream: VideoStream) -> Fraction:
    """Return the frames a second that a stream names, 25 where it names nothing likely."""
    low, high = _RATES
    for rate in (stream.codec_context.framerate, stream.average_rate, stream.guessed_rate):
        if rate and low <= rate <= high:
            return Fraction(rate)
    return USUAL_RATE


class LivePictures:
    """A reader of the pictures of one connection, upright and without interlacing.

    Day and night of a camera differ in size, pixel format or colour: a picture that is not like the
    one before begins a new format, instead of being converted to the old one.

    Args:
        stream: The video; its decoder has not decoded yet.
        name: The source without secrets.
        notes: What collects assumptions and losses, for all connections.
    """

    def __init__(self, stream: VideoStream, name: str, notes: Notes) -> None:
        context = stream.codec_context
        export_quantisers(context)
        self.stream, self.name, self.notes = stream, name, notes
        self.rate = nominal_rate(stream)
        self._coding = CodingErrors(context.name, context.extradata, exported=True)
        self._look: tuple[object, ...] = ()
        self._pictures: Pictures | None = None
        self._told = False

    def packet(self, packet: av.Packet[Any]) -> None:
        """Note a packet before it is decoded; one without a time is numbered."""
        self._coding.packet(packet)

    def decoded(self, image: av.VideoFrame) -> None:
        """Note a picture as the decoder gives it, its time still the packet's."""
        self._coding.picture(image)

    def push(self, image: av.VideoFrame) -> Iterator[Shot]:
        """Put a picture in, its time in ``TIME_BASE``; take out the frames that are ready.

        Raises:
            InputError: It cannot be converted.
        """
        look = _look_of(image)
        if look != self._look or self._pictures is None:
            yield from self.flush()
            self._look, self._told = look, False
            self._pictures = Pictures(
                TIME_BASE,
                self.stream.codec_context.name,
                deinterlace="auto",
                upright=True,
                counts=SourceCounts(),
                notes=self.notes,
                coding=self._coding,
            )
        yield from map(self._shot, self._pictures.push(image))

    def flush(self) -> Iterator[Shot]:
        """Take out what is left of the format up to here."""
        if self._pictures is not None:
            yield from map(self._shot, self._pictures.flush())

    def _shot(self, frame: Frame) -> Shot:
        told, self._told = self._told, True
        return Shot(frame, None if told else self._describe(frame))

    def _describe(self, frame: Frame) -> SourceInfo:
        assert self._pictures is not None
        context = self.stream.codec_context
        ratio = context.sample_aspect_ratio or self.stream.sample_aspect_ratio
        ratio = Fraction(ratio) if ratio and ratio > 0 else Fraction(1)
        return SourceInfo(
            path=self.name,
            container=self.stream.container.format.name,
            codec=context.codec.canonical_name,
            format=frame.format,
            time_base=TIME_BASE,
            rate=self.rate,
            sample_aspect_ratio=1 / ratio if self._pictures.quarter_turned else ratio,
            display_matrix=None,
            interlaced=self._pictures.interlaced,
            hdr=self._pictures.hdr,
            matrix_assumed=self._pictures.matrix_assumed,
            duration_s=None,
            frames=None,
        )


def _look_of(image: av.VideoFrame) -> tuple[object, ...]:
    """Return what a picture has to share with the one before to be of its format."""
    return (
        image.width,
        image.height,
        image.format.name,
        int(image.colorspace),
        int(image.color_range),
        int(image.color_primaries),
        int(image.color_trc),
    )
