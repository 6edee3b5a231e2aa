"""Facts of a source, before and after it is read."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from fractions import Fraction

from vidsr.picture.coding_record import CodingRecord
from vidsr.picture.frame import VideoFormat
from vidsr.video.hdr import HdrMetadata


@dataclass
class SourceCounts:
    """Counts of what happened while decoding, in frames unless said otherwise.

    Args:
        decoded: Frames that the decoder gave.
        concealed: Frames that were damaged and repaired by the decoder.
        failed_packets: Packets that could not be decoded.
        synthesised_pts: Frames without a time, which got one from the nominal rate.
        retimed: Frames whose times did not increase and were moved.
        deinterlaced: Frames that were deinterlaced.
        conformed: Frames of another pixel format or colour than the first, converted back.
        resized: Frames of another size than the first.
        before_key: Packets before the first key frame, which no decoder can show.
        coding: Expected errors of the frames, as the codec left them.
    """

    decoded: int = 0
    concealed: int = 0
    failed_packets: int = 0
    synthesised_pts: int = 0
    retimed: int = 0
    deinterlaced: int = 0
    conformed: int = 0
    resized: int = 0
    before_key: int = 0
    coding: CodingRecord = field(default_factory=CodingRecord)

    def merge(self, other: SourceCounts) -> None:
        """Add the counts of another run."""
        for each in fields(self):
            setattr(self, each.name, getattr(self, each.name) + getattr(other, each.name))

    def sentences(self, rate: Fraction) -> list[str]:
        """Return what a finished run has to report, a sentence each."""
        told = (
            (self.before_key, "packets before the first key frame cannot be decoded"),
            (self.concealed, "frames were damaged and concealed by the decoder"),
            (self.failed_packets, "packets could not be decoded"),
            (self.synthesised_pts, f"frames have no timestamp: {float(rate):g} fps assumed"),
            (self.retimed, "timestamps did not increase and were moved"),
        )
        return [f"{count} {text}" for count, text in told if count]


@dataclass(frozen=True)
class PictureMarks:
    """What a container says of its pictures beside their size, as Matroska counts it.

    Args:
        crop: Pixels of the coded picture that are not shown: left, top, right, bottom.
        stereo: The arrangement of two views in one picture, 0 for a single view.
        projection: The projection of a sphere, an element of Matroska; empty for flat pictures.
    """

    crop: tuple[int, int, int, int] = (0, 0, 0, 0)
    stereo: int = 0
    projection: bytes = b""

    def __bool__(self) -> bool:
        return any(self.crop) or bool(self.stereo or self.projection)

    def scaled(self, across: Fraction, down: Fraction) -> PictureMarks:
        """Return the marks of the picture at another size."""
        left, top, right, bottom = self.crop
        crop = round(left * across), round(top * down), round(right * across), round(bottom * down)
        return PictureMarks(crop, self.stereo, self.projection)

    def without(self, kept: PictureMarks) -> PictureMarks:
        """Return what of these marks has no counterpart in ``kept``."""
        return PictureMarks(
            self.crop if any(self.crop) and not any(kept.crop) else (0, 0, 0, 0),
            0 if kept.stereo else self.stereo,
            b"" if kept.projection else self.projection,
        )

    def named(self) -> str:
        """Return what there is in words, for messages."""
        left, top, right, bottom = self.crop
        words = [f"crop of {left}, {top}, {right}, {bottom} pixels"] if any(self.crop) else []
        words += ["stereo arrangement"] if self.stereo else []
        words += ["projection of 360° video"] if self.projection else []
        return ", ".join(words)


@dataclass(frozen=True)
class SourceInfo:
    """The chosen video stream, as its first decoded frame shows it.

    ``rate`` is the nominal frame rate, never used for timestamps that exist;
    ``display_matrix`` is FFmpeg's nine 16.16 numbers; ``duration_s`` and ``frames`` are estimates;
    ``frames_about`` is true of a part whose frames are not listed, so that one more or less may
    come; ``marks`` are the container's own.
    """

    path: str
    container: str
    codec: str
    format: VideoFormat
    time_base: Fraction
    rate: Fraction
    sample_aspect_ratio: Fraction
    display_matrix: tuple[int, ...] | None
    interlaced: bool
    hdr: HdrMetadata
    matrix_assumed: bool
    duration_s: float | None
    frames: int | None
    marks: PictureMarks = PictureMarks()
    frames_about: bool = False
