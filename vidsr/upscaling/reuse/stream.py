"""Reuse in one stream of frames of one format: what of each is computed, and what is taken over.

Frames are prepared in their order, by one thread, and run by any thread: each computes what
changed since the frame before and then waits for that one's result, to take over the rest. A
frame's network is chosen by its coding error, and only frames of one network have results to
share, so each network has a chain of its own.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor

from vidsr.engines.engine import Engine
from vidsr.engines.tiling import Tile
from vidsr.picture.frame import Frame, VideoFormat
from vidsr.picture.size import Size
from vidsr.upscaling.reuse.cells import changed_cells
from vidsr.upscaling.reuse.counts import ReuseCounts
from vidsr.upscaling.reuse.link import Canvas, Link
from vidsr.upscaling.reuse.near import Hold
from vidsr.upscaling.reuse.patches import Compute, Shape, paste, patch, repeats, shape_of
from vidsr.upscaling.reuse.rule import Reuse
from vidsr.upscaling.reuse.windows import WindowPlanner
from vidsr.upscaling.reuse.worth import Worth

Windows = tuple[Tile, ...]
See = Callable[[Frame], Tensor]
Proven = set[tuple[str, str, Shape]]


class ReuseStream:
    """Reuse of one stream: its chains of results and its judgement of whether they pay.

    Args:
        layout: Format of the frames.
        rule: What counts as unchanged.
        engine: Engine whose reach is kept; others that run a frame have to have the same.
        see: Function that returns a copy of the samples that the network's result depends on,
            ``[..., h, w]``.
        planes: Number of a frame's planes that ``see`` looks at.
        chains: Most networks whose results are kept, at least 1.
        counts: Take what is computed.
        say: Receiver of what a user should know.
        worth: Judge of whether it pays.
    """

    def __init__(
        self,
        layout: VideoFormat,
        rule: Reuse,
        engine: Engine,
        see: See,
        *,
        planes: int,
        chains: int,
        counts: ReuseCounts,
        say: Callable[[str], None],
        worth: Worth | None = None,
    ) -> None:
        assert engine.halo is not None
        self.size = Size(layout.width, layout.height)
        self.counts, self.say = counts, say
        self.worth = worth or Worth()
        self.reach = engine.halo, engine.alignment
        self.planner = WindowPlanner(self.size, *self.reach)
        self.proven: Proven = set()
        self.refused = False
        self._see, self._chains = see, chains
        self._hold = Hold(layout, rule, planes) if rule.mode == "near" else None
        self._links: OrderedDict[int, Link] = OrderedDict()

    def prepare(self, frame: Frame, step: int) -> Part:
        """Return what is to be done for the next frame of the stream, run by network ``step``."""
        if self._hold is not None:
            frame = self._hold.seen(frame)
        if self.refused or not self.worth.next_frame():
            self._links.clear()
            return Part(self, frame, step)
        began = time.perf_counter()
        seen = self._see(frame)
        base = self._links.pop(step, None)
        windows = None
        if base is not None and self.worth.measured:
            windows = self.planner.plan(changed_cells(base.seen, seen))
        link = self._links[step] = Link(seen)
        while len(self._links) > self._chains:
            self._links.popitem(last=False)
        return Part(self, frame, step, link, base, windows, time.perf_counter() - began)

    def changed_share(self, frame: Frame) -> float:
        """Return which share of a frame's pixels the network would see, were it the next one."""
        if not self._links or self.refused or self.worth.paused or not self.worth.measured:
            return 1.0
        if self._hold is not None:
            frame = self._hold.seen(frame, keep=False)
        newest = next(reversed(self._links.values()))
        windows = self.planner.plan(changed_cells(newest.seen, self._see(frame)))
        return self.planner.share(windows)


@dataclass
class Part:
    """Part of a stream's reuse that one frame has.

    Attributes:
        frame: The frame, or what is held of it.
        step: Step of the strengths.
        link: What it leaves for the next one; None where nothing is kept.
        base: What the one before left.
        windows: What changed since; None for the whole picture.
        spent_s: Seconds that finding that took.
    """

    stream: ReuseStream
    frame: Frame
    step: int
    link: Link | None = None
    base: Link | None = None
    windows: Windows | None = None
    spent_s: float = 0.0

    def run(self, engine: Engine, compute: Compute, x: Tensor) -> Tensor:
        """Return what ``compute`` makes of ``x``, where possible from the frame before.

        Args:
            engine: Engine inside ``compute``.
            compute: Function from ``[1, C, h, w]`` to ``[..., h * g, w * g]``.
            x: The frame as the engine sees it; not to be written to any more.

        Returns:
            A tensor of the caller's own.
        """
        if self.link is None:
            return self._whole(compute, x)
        self.link.decide(engine)
        picture = self._from_before(engine, compute, x)
        if picture is None:
            picture = self._whole(compute, x)
        own = picture.clone()
        self.link.hand_on(Canvas(x, picture))
        return own

    def close(self) -> None:
        """Let whoever waits for this frame go on, whatever became of it."""
        if self.link is not None:
            self.link.close()
        self.base = None

    def _whole(self, compute: Compute, x: Tensor) -> Tensor:
        began = time.perf_counter()
        picture = compute(x)
        compared = self.base is not None and self.stream.worth.measured
        self.stream.worth.whole(time.perf_counter() - began, compared=compared)
        self.stream.counts.add(self.stream.size, 1.0)
        return picture

    def _from_before(self, engine: Engine, compute: Compute, x: Tensor) -> Tensor | None:
        """Return the result of the frame before with what changed in it; None where it has none."""
        base, windows, stream = self.base, self.windows, self.stream
        if base is None or windows is None or base.engine is not engine:
            return None
        if (engine.halo, engine.alignment) != stream.reach:
            return None
        began = time.perf_counter()
        patches = [patch(compute, x, tile) for tile in windows]
        spent_s = self.spent_s + time.perf_counter() - began
        canvas = base.take()
        if canvas is None or not self._exact(engine, compute, canvas):
            return None
        began = time.perf_counter()
        paste(canvas.picture, x, windows, patches)
        spent_s += time.perf_counter() - began
        stream.worth.parts(spent_s)
        stream.counts.add(stream.size, stream.planner.share(windows))
        return canvas.picture

    def _exact(self, engine: Engine, compute: Compute, canvas: Canvas) -> bool:
        """Return True if parts of these shapes equal the whole on this engine.

        A library may choose other kernels for other shapes. Every shape shows once, on the frame
        before and where it is first needed, that it gives the same bits.
        """
        assert self.windows is not None
        stream = self.stream
        for tile in self.windows:
            key = engine.runtime, str(engine.dtype), shape_of(tile)
            if key in stream.proven:
                continue
            if not repeats(compute, canvas.x, canvas.picture, tile):
                stream.refused = True
                stream.say(
                    f"{engine.name} in {str(engine.dtype)[6:]} gives other bits for parts of a "
                    f"picture than for the whole: nothing is reused"
                )
                return False
            stream.proven.add(key)
        return True
