"""Sources of which only those frames are given whose pieces are not done."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import replace

from vidsr.picture.coding_record import CodingRecord
from vidsr.picture.frame import Frame
from vidsr.video.header import StreamHeader
from vidsr.video.info import SourceCounts
from vidsr.video.items import Discontinuity, Item
from vidsr.video.pieces.cuts import Cuts
from vidsr.video.pieces.frame_log import FrameLog
from vidsr.video.source.base import Closing, FrameSource


class PieceSource(Closing):
    """The frames of another source that are still to be upscaled, and its marks.

    Packets of other streams are left out: they are copied in the end. The other source stays its
    owner's to close.

    Args:
        source: The other source.
        cuts: Where pieces begin.
        done: The pieces that are left out.
        log: What counts the frames of each piece.
        before: Expected errors of the frames that are done.
    """

    def __init__(
        self,
        source: FrameSource,
        cuts: Cuts,
        done: Collection[int],
        log: FrameLog,
        before: CodingRecord,
    ) -> None:
        self._source, self._cuts, self._done = source, cuts, frozenset(done)
        self._log, self._coding = log, CodingRecord() + before

    @property
    def header(self) -> StreamHeader:
        """The header of the other source."""
        return self._source.header

    @property
    def counts(self) -> SourceCounts:
        """The counts of the other source, of frames that are left out, too.

        Expected errors are those of all frames, whoever made them.
        """
        return replace(self._source.counts, coding=self._coding)

    def __iter__(self) -> Iterator[Item]:
        for item in self._source:
            if isinstance(item, Discontinuity):
                yield item
            elif isinstance(item, Frame):
                piece = None if item.pts is None else self._cuts.piece_of(item.pts)
                if piece in self._done:
                    item.release()
                    continue
                self._coding.add(item.coding_error)
                if piece is not None:
                    self._log.add(piece, item.coding_error)
                yield item

    def close(self) -> None:
        """Do nothing: who opened the other source closes it."""


class EmptySource(Closing):
    """A source of which nothing is read any more; it stays its owner's to close.

    Args:
        source: The other source.
        before: Expected errors of the frames that are done.
    """

    def __init__(self, source: FrameSource, before: CodingRecord) -> None:
        self.header = source.header
        self.counts = replace(source.counts, coding=before)

    def __iter__(self) -> Iterator[Item]:
        return iter(())

    def close(self) -> None:
        """Do nothing: who opened the source closes it."""
