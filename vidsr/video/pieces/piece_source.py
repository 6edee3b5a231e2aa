"""Sources of which only those frames are given whose pieces are not done."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from vidsr.picture.frame import Frame
from vidsr.video.header import StreamHeader
from vidsr.video.info import SourceCounts
from vidsr.video.items import Discontinuity, Item
from vidsr.video.pieces.cuts import Cuts
from vidsr.video.source.base import Closing, FrameSource


class PieceSource(Closing):
    """The frames of another source that are still to be upscaled, and its marks.

    Packets of other streams are left out: they are copied in the end. The other source stays its
    owner's to close.
    """

    def __init__(self, source: FrameSource, cuts: Cuts, done: Collection[int]) -> None:
        self._source, self._cuts, self._done = source, cuts, frozenset(done)

    @property
    def header(self) -> StreamHeader:
        """The header of the other source."""
        return self._source.header

    @property
    def counts(self) -> SourceCounts:
        """The counts of the other source, of frames that are left out, too."""
        return self._source.counts

    def __iter__(self) -> Iterator[Item]:
        for item in self._source:
            if isinstance(item, Discontinuity):
                yield item
            elif isinstance(item, Frame):
                if item.pts is None or self._cuts.piece_of(item.pts) not in self._done:
                    yield item
                else:
                    item.release()

    def close(self) -> None:
        """Do nothing: who opened the other source closes it."""


class EmptySource(Closing):
    """A source of which nothing is read any more; it stays its owner's to close."""

    def __init__(self, source: FrameSource) -> None:
        self.header, self.counts = source.header, source.counts

    def __iter__(self) -> Iterator[Item]:
        return iter(())

    def close(self) -> None:
        """Do nothing: who opened the source closes it."""
