"""FFmpeg filters that give one frame for one frame: deinterlacing and turning upright."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

import av
from av.filter import Graph

# bwdif looks at each frame's own flag, so mixed material is right frame by frame and progressive
# frames pass untouched.
DEINTERLACE = (("bwdif", "mode=send_frame:parity=auto:deint=interlaced"),)
FIELDS = (("bwdif", "mode=send_field:parity=auto:deint=interlaced"),)

Filters = tuple[tuple[str, str], ...]


class FrameFilter:
    """A chain of filters; ``pts`` is kept, and a frame may come out one call later.

    The graph is rebuilt when the picture's size or format changes.
    """

    def __init__(self, filters: Filters, time_base: Fraction) -> None:
        self.filters, self.time_base = filters, time_base
        self._graph: Graph | None = None
        self._shape: tuple[int, int, str] | None = None

    def push(self, image: av.VideoFrame) -> Iterator[av.VideoFrame]:
        """Put a frame in; take out what is ready."""
        shape = (image.width, image.height, image.format.name)
        if shape != self._shape or self._graph is None:
            yield from self.flush()
            self._graph, self._shape = self._open(image), shape
        self._graph.vpush(image)
        yield from self._pull(self._graph)

    def flush(self) -> Iterator[av.VideoFrame]:
        """Take out what is left."""
        graph, self._graph = self._graph, None
        if graph is not None:
            graph.vpush(None)
            yield from self._pull(graph)

    def _open(self, image: av.VideoFrame) -> Graph:
        graph = Graph()
        source = graph.add_buffer(
            width=image.width, height=image.height, format=image.format, time_base=self.time_base
        )
        chain = [graph.add(name, settings or None) for name, settings in self.filters]
        graph.link_nodes(source, *chain, graph.add("buffersink")).configure()
        return graph

    def _pull(self, graph: Graph) -> Iterator[av.VideoFrame]:
        while True:
            try:
                image = graph.vpull()
            except (av.error.BlockingIOError, av.error.EOFError):
                return
            base = image.time_base
            if image.pts is not None and base is not None and base != self.time_base:
                image.pts = round(image.pts * base / self.time_base)
                image.duration = round(image.duration * base / self.time_base)
                image.time_base = self.time_base
            yield image


def top_down(image: av.VideoFrame) -> av.VideoFrame:
    """Return the picture with its first line first in memory; some decoders store it last."""
    if all(plane.line_size >= 0 for plane in image.planes):
        return image
    time_base = image.time_base or Fraction(1)
    return next(FrameFilter((("copy", ""),), time_base).push(image))


def can_deinterlace(image: av.VideoFrame) -> bool:
    """Return True if bwdif takes the picture: no plane too small, no grey of 10 or 12 bits."""
    small = any(plane.width < 3 or plane.height < 4 for plane in image.planes)
    return not small and image.format.name not in ("gray10le", "gray12le")


def upright_filters(matrix: tuple[int, ...]) -> Filters | None:
    """Return the filters that do what a display matrix asks for; None if it is no quarter turn.

    ``matrix`` holds FFmpeg's nine numbers [a b u c d v x y w]: x' = a x + c y, y' = b x + d y.
    """
    a, b, c, d = (matrix[i] for i in (0, 1, 3, 4))
    if b == c == 0 and a and d:
        flips = (("hflip", ""),) if a < 0 else ()
        # vflip only turns the pitch negative, which no tensor can have: hence the copy.
        return flips + ((("vflip", ""), ("copy", "")) if d < 0 else ())
    if a == d == 0 and b and c:
        turn = {(True, False): "clock", (False, True): "cclock", (True, True): "cclock_flip"}
        return (("transpose", turn.get((b > 0, c > 0), "clock_flip")),)
    return None


def swaps_sides(filters: Filters) -> bool:
    """Return True if width and height change places."""
    return any(name == "transpose" for name, _ in filters)
