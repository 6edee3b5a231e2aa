"""Pictures on their way into targets of few colours or of a constant rate."""

from __future__ import annotations

from fractions import Fraction

import av
from av.filter import Graph


class Palette:
    """A chooser of 256 colours for each picture, dithered."""

    def __init__(self) -> None:
        self._graph: Graph | None = None
        self._shape: tuple[int, int, str] | None = None

    def apply(self, image: av.VideoFrame) -> av.VideoFrame:
        """Return the picture in ``pal8``."""
        shape = (image.width, image.height, image.format.name)
        if self._graph is None or shape != self._shape:
            self._graph, self._shape = self._open(image), shape
        self._graph.vpush(image)
        return self._graph.vpull()

    def _open(self, image: av.VideoFrame) -> Graph:
        graph = Graph()
        source = graph.add_buffer(
            width=image.width, height=image.height, format=image.format, time_base=Fraction(1, 1000)
        )
        split = graph.add("split")
        colors = graph.add("palettegen", "stats_mode=single:reserve_transparent=0")
        use, sink = graph.add("paletteuse", "new=1:dither=sierra2_4a"), graph.add("buffersink")
        source.link_to(split)
        split.link_to(use, 0, 0)
        split.link_to(colors, 1, 0)
        colors.link_to(use, 0, 1)
        use.link_to(sink)
        graph.configure()
        return graph


class TargetClock:
    """The times of frames in a target that counts by another unit than the source, by frames."""

    def __init__(self, source: Fraction, target: Fraction) -> None:
        self.moved = 0
        self._factor = source / target
        self._last: int | None = None

    def place(self, pts: int | None, duration: int | None) -> tuple[int | None, int | None]:
        """Return time and duration in the target's unit; two frames never share a time."""
        if pts is None or self._factor == 1:
            return pts, duration
        exact = pts * self._factor
        placed = round(exact)
        if self._last is not None and placed <= self._last:
            placed = self._last + 1
        self.moved += placed != exact
        self._last = placed
        return placed, None if duration is None else max(1, round(duration * self._factor))
