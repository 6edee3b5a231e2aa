"""Marks between frames of a file that do not follow from each other."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from vidsr.picture.frame import Frame, VideoFormat
from vidsr.video.items import Discontinuity, Item, Packet
from vidsr.video.source.clock_jumps import Jumps


def marked(items: Iterable[Frame | Packet], jumps: Jumps) -> Iterator[Item]:
    """Yield ``items``, with a mark before a frame behind a jump and before one of another format.

    A decoder and a deinterlacer hold frames back, so that the mark of a jump may come that many
    frames early.
    """
    seen = jumps.count
    layout: VideoFormat | None = None
    for item in items:
        if isinstance(item, Frame):
            if jumps.count > seen:
                yield Discontinuity("jump", item.pts)
            if layout is not None and item.format != layout:
                yield Discontinuity("new_format", item.pts)
            seen, layout = jumps.count, item.format
        yield item
