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
class SourceInfo:
    """The chosen video stream, as its first decoded frame shows it.

    ``rate`` is the nominal frame rate, never used for timestamps that exist;
    ``display_matrix`` is FFmpeg's nine 16.16 numbers; ``duration_s`` and ``frames`` are estimates.
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
