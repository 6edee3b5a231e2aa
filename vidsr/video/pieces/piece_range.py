"""The frames of single pieces, read on where that is possible, else by a seek."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from vidsr.picture.frame import Frame
from vidsr.video.header import StreamHeader
from vidsr.video.info import SourceCounts
from vidsr.video.items import Discontinuity, Item
from vidsr.video.pieces.cuts import Cuts
from vidsr.video.pieces.frame_log import FrameLog
from vidsr.video.source.base import Closing, FrameSource

# Decoding so many pieces to get to the next one costs less than upscaling a part of one.
READ_ON_PIECES = 2


class PieceReader:
    """A source read piece by piece, in any order.

    Args:
        open_at: A function that opens the source so that it gives everything from a piece on, or
            from before it.
        cuts: Where pieces begin.
    """

    def __init__(self, open_at: Callable[[int], FrameSource], cuts: Cuts) -> None:
        self._open_at, self._cuts = open_at, cuts
        self._source: FrameSource | None = None
        self._items: Iterator[Item] = iter(())
        self._held: list[Item] = []
        self._next = 0

    def items(self, piece: int) -> Iterator[Item]:
        """Yield the frames and marks of a piece; call for the next one when this is through."""
        if self._source is None or not 0 <= piece - self._next <= READ_ON_PIECES:
            self.close()
            self._source = self._open_at(piece)
            self._items = iter(self._source)
        self._next = self._cuts.count  # until this piece has been read whole
        while (item := self._pull()) is not None:
            place = self._place(item)
            if place is not None and place > piece:
                self._held.append(item)
                self._next = piece + 1
                return
            if place == piece or isinstance(item, Discontinuity):
                yield item
            elif isinstance(item, Frame):
                item.release()
        self.close()

    def _pull(self) -> Item | None:
        return self._held.pop() if self._held else next(self._items, None)

    def _place(self, item: Item) -> int | None:
        if not isinstance(item, Frame) or item.pts is None:
            return None
        return self._cuts.piece_of(item.pts)

    def close(self) -> None:
        """Close the source. May be called twice."""
        for item in self._held:
            if isinstance(item, Frame):
                item.release()
        self._held, self._items = [], iter(())
        if self._source is not None:
            self._source.close()
            self._source = None


class PieceItems(Closing):
    """One piece as a source; its reader stays open for the next one."""

    def __init__(
        self, reader: PieceReader, piece: int, header: StreamHeader, log: FrameLog
    ) -> None:
        self._reader, self._piece, self.header, self._log = reader, piece, header, log
        self.counts = SourceCounts()

    def __iter__(self) -> Iterator[Item]:
        for item in self._reader.items(self._piece):
            if isinstance(item, Frame):
                self.counts.decoded += 1
                self._log.add(self._piece, item.coding_error)
            yield item

    def close(self) -> None:
        """Do nothing: the reader is closed by its owner."""
