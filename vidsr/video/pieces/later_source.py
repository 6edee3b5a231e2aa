"""A source that begins where the first piece is missing, on the clock of the whole run."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from vidsr.notes import SilentNotes
from vidsr.option_values import Deinterlace
from vidsr.picture.frame import Frame
from vidsr.video.header import StreamHeader
from vidsr.video.info import SourceCounts
from vidsr.video.items import Discontinuity, Item
from vidsr.video.media.medium import Medium
from vidsr.video.source.base import Closing
from vidsr.video.source.file_source import FileSource


def may_begin_later(source: FileSource, duration_s: float | None, deinterlace: str) -> bool:
    """Return True if a seek gives the same frames as reading from the beginning.

    A deinterlacer looks at frames before, a transport stream's clock may have jumped before, and
    where a part ends follows from its first frame: then everything is decoded again, which costs
    little beside upscaling it.
    """
    woven = source.info.interlaced and deinterlace != "off"
    return duration_s is None and not woven and not source.jumps.enabled


class LaterSource(Closing):
    """The frames of a file from ``begin`` on, with the times that they have in the whole run.

    Args:
        source: The file, open from its beginning or from where the run begins; stays its owner's.
        begin: The time of the first frame that is wanted, in units of its time base.
        deinterlace: What the run does with interlaced frames.
        upright: True if the run turns pictures.
        medium: What the bytes come from where they are of no file; closed with the source.
    """

    def __init__(
        self,
        source: FileSource,
        begin: int,
        *,
        deinterlace: Deinterlace,
        upright: bool,
        medium: Medium | None = None,
    ) -> None:
        self.header: StreamHeader = source.header
        window = source.window
        self._shift = begin
        begin_s = (begin + window.shift(window.time_base)) * window.time_base - window.origin
        self._later = FileSource(
            source.locator,
            start_s=begin_s,  # type: ignore[arg-type]
            deinterlace=deinterlace,
            upright=upright,
            notes=SilentNotes(),
            medium=medium,
        )

    @property
    def counts(self) -> SourceCounts:
        """The counts of what was decoded from there on."""
        return self._later.counts

    def __iter__(self) -> Iterator[Item]:
        for item in self._later:
            if isinstance(item, Frame):
                assert item.pts is not None
                yield replace(item, pts=item.pts + self._shift)
            elif isinstance(item, Discontinuity):
                where = None if item.where is None else item.where + self._shift
                yield replace(item, where=where)

    def close(self) -> None:
        """Close the file that was opened here."""
        self._later.close()
