"""Frames of one format in one session on one device: which engine, which tile, which state."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from functools import partial
from threading import Lock

import torch
from torch import Tensor

from vidsr.engines.engine import Engine, is_stateful
from vidsr.engines.selection.switch import EngineSwitch, Sample
from vidsr.engines.stateful_tiles import StreamEngine
from vidsr.engines.tile_margins import Surroundings
from vidsr.engines.tiling import (
    blends,
    first_window,
    is_exact,
    window_pixels,
)
from vidsr.errors import MemoryLimitError
from vidsr.notes import Notes
from vidsr.picture.coding_error import CodingError
from vidsr.picture.frame import Frame, VideoFormat
from vidsr.picture.size import Size
from vidsr.upscaling import transform
from vidsr.upscaling.device_ring import Planes
from vidsr.upscaling.engine_pool import EnginePool
from vidsr.upscaling.memory_plan import HELD_FRAMES, MemoryPlan, results_that_fit
from vidsr.upscaling.reuse.counts import ReuseCounts
from vidsr.upscaling.reuse.rule import OFF, Reuse
from vidsr.upscaling.reuse.stream import Part, ReuseStream

# Networks whose last results are kept: frames of one clip alternate between neighbouring steps.
CHAINS = 2
# A compiler takes up to a minute for every shape of a window; by Winograd's transforms a part does
# not have the bits of the whole.
WHOLE_ONLY = "compile", "winograd"


@dataclass(frozen=True)
class Prepared:
    """Frame that waits for its turn to be upscaled.

    Attributes:
        frame: The frame, or what its stream takes it for.
        step: Step of the strengths.
        part: What of it is computed; None for all of it.
    """

    frame: Frame
    step: int
    part: Part | None = None


@dataclass(frozen=True)
class _Planned:
    """A plan with what it was made for."""

    engine: Engine
    share_bytes: int
    margin: int
    plan: MemoryPlan

    def holds(self, engine: Engine, share_bytes: int) -> bool:
        """Return True if nothing that the plan depends on has changed."""
        same = self.engine is engine and self.margin == engine.traits.blend_margin
        return same and self.share_bytes == share_bytes


class FormatRun:
    """The way of frames from one format to another through a pool's engine on one device.

    The plan of memory is looked up once, and again only where engines or shares have changed.

    Args:
        held: Frames of a stream that its receiver keeps unreleased at a time.
        notes: Notes of the session.
        keeps_state: False for pictures that have nothing to do with each other: a stateful engine
            then runs each as the first of a stream.
        reuse: What is taken from one frame of a stream for the next; on a CPU only.
        counts: Take what is computed and reused.
    """

    def __init__(
        self,
        pool: EnginePool,
        index: int,
        source: VideoFormat,
        target: VideoFormat,
        notes: Notes,
        *,
        held: int = HELD_FRAMES,
        keeps_state: bool = False,
        reuse: Reuse = OFF,
        counts: ReuseCounts | None = None,
    ) -> None:
        self._pool, self._index, self._notes = pool, index, notes
        self.source, self.target, self._held = source, target, held
        self._size = Size(source.width, source.height)
        self._keeps_state = keeps_state
        self._planned: _Planned | None = None
        self._count, self._count_share = 1, 0
        self._one_by_one = Lock()
        self._stream: tuple[StreamEngine, Size | None] | None = None
        self._rule, self._counts = reuse, counts or ReuseCounts()
        self._reuse: ReuseStream | None = None
        self._settled, self._settling = False, Lock()

    @property
    def _switch(self) -> EngineSwitch:
        return self._pool.switches[self._index]

    def check(self, share_bytes: int) -> None:
        """Raise MemoryLimitError if these frames cannot be upscaled within ``share_bytes``."""
        planned, engine = self._planned, self._switch.engine
        if planned is not None and planned.holds(engine, share_bytes):
            return  # as with every frame of a stream that is alone
        kept = self._kept(engine)
        if kept is None:
            self._plan(engine, share_bytes)
        elif kept.total > share_bytes and self._pool.planner.tile is None:
            raise MemoryLimitError(
                f"a stream that runs takes {kept.total >> 10} KiB and cannot be cut smaller, "
                f"more than a share of {share_bytes >> 10} KiB."
            )

    def side_by_side(self, threads: int) -> int:
        """Return how many frames may be upscaled at once, ``threads`` at most.

        Where the share becomes too small for that later, they are upscaled one by one.
        """
        planner = self._pool.planner
        self._count_share = planner.share_bytes
        self._count = planner.side_by_side(self.source, self.target, self._switch.engine, threads)
        return self._count

    def offer(self) -> None:
        """Have another engine take over, where one may."""
        self._pool.offer(self._index, self._size, self.tile(self._switch.engine))

    def upscale(self, frame: Frame) -> Frame:
        """Upscale one frame and wait for it, outside a ring."""
        return self.finish(self.prepare(frame))

    def prepare(self, frame: Frame) -> Prepared:
        """Decide how the next frame of a stream is upscaled; in their order, by one thread."""
        step = self._pool.strength.step(frame.coding_error)
        stream = self._reusing()
        if stream is None:
            return Prepared(frame, step)
        part = stream.prepare(frame, step)
        return Prepared(part.frame, step, part)

    def finish(self, prepared: Prepared) -> Frame:
        """Upscale a frame that was prepared, in any thread."""
        frame, part = prepared.frame, prepared.part

        def seen() -> Tensor:
            engine = self._switch.engine
            planes = tuple(plane.to(engine.device) for plane in frame.planes)
            return transform.engine_input(planes, self.source, engine)

        try:
            with self.alone(seen, prepared.step) as (engine, tile):
                if part is None or tile is not None:
                    return transform.enlarge(frame, self.target, engine, tile)
                over = partial(part.run, engine)
                return transform.enlarge(frame, self.target, engine, tile, over)
        finally:
            if part is not None:
                part.close()

    def changed_share(self, frame: Frame) -> float:
        """Return which share of a frame's pixels the network would see, were it the next one."""
        stream = self._reusing()
        return 1.0 if stream is None else stream.changed_share(frame)

    def _reusing(self) -> ReuseStream | None:
        """Return what the stream reuses; None where its engine or memory allows nothing."""
        engine = self._switch.engine
        chains = self._chains(engine)
        if not chains:
            self._reuse = None
        elif self._reuse is None:
            self._reuse = ReuseStream(
                self.source,
                self._rule,
                engine,
                self._copy_of_seen,
                planes=len(self.source.plane_sizes) if self._sees_all(engine) else 1,
                chains=chains,
                counts=self._counts,
                say=self._notes.say,
            )
        return self._reuse

    def _chains(self, engine: Engine) -> int:
        """Return of how many networks the last results may be kept."""
        off = self._rule.mode == "off" or not self._keeps_state or engine.device.type != "cpu"
        if off or engine.traits.stateful or engine.halo is None or engine.runtime in WHOLE_ONLY:
            return 0
        if not engine.traits.repeatable:
            return 0
        if self.tile(engine) is not None:
            return 0
        share = self._pool.planner.share_bytes
        room = results_that_fit(self.source, self.target, engine, share, self._count)
        return min(room, CHAINS, self._pool.last_strength + 1)

    def _sees_all(self, engine: Engine) -> bool:
        """Return True if the network's result depends on more than the first plane."""
        return engine.channels != 1 or self.source.pixel.family == "rgb"

    def _copy_of_seen(self, frame: Frame) -> Tensor:
        """Return a copy of the samples that the network's result depends on."""
        engine = self._switch.engine
        if self._sees_all(engine):
            with torch.inference_mode():
                return transform.engine_input(frame.planes, self.source, engine)
        return frame.planes[0].clone()

    @contextmanager
    def alone(self, seen: Sample, step: int = 0) -> Iterator[tuple[Engine, Size | None]]:
        """Give the engine of a step of the strengths, and the tile, for one picture outside a ring.

        Takes turns with rings and other threads where the engine reuses memory. ``seen`` gives
        what the engine sees of the picture.
        """
        if self._pool.insists:
            self.offer()
        with self._turn():
            if self._switch.engine.device.type != "cuda":
                yield self._ready(seen, step)
                return
            with self._pool.queues(self._index).on("compute"):
                yield self._ready(seen, step)

    def work(self, planes: Planes, large: Planes, error: CodingError | None = None) -> None:
        """Upscale planes that lie on the device, into planes there, as a ring's slot has it."""

        def seen() -> Tensor:
            return transform.engine_input(planes, self.source, self._switch.engine)

        step = self._pool.strength.step(error)
        with torch.inference_mode(), self._turn():
            engine, tile = self._ready(seen, step)
            results = transform.enlarge_planes(planes, self.source, self.target, engine, tile)
            for plane, result in zip(large, results, strict=True):
                plane.copy_(result)

    def _turn(self) -> AbstractContextManager[object]:
        """Keep other threads away from an engine that is not reentrant, or from memory."""
        if not self._switch.engine.traits.reentrant:
            return self._pool.turns(self._index)
        return self._one_by_one if self._crowded() else nullcontext()

    def _crowded(self) -> bool:
        """Return True if the share has become too small for frames side by side."""
        planner = self._pool.planner
        if self._count == 1 or planner.share_bytes >= self._count_share:
            return False
        source, target, engine = self.source, self.target, self._switch.engine
        return planner.side_by_side(source, target, engine, self._count) < self._count

    def _ready(self, seen: Sample, step: int) -> tuple[Engine, Size | None]:
        """Return the engine for a frame, with the state of its stream, and what it sees at once.

        A stream with a state stays with its engine: only ``Session.reset`` brings another one.
        """
        if self._stream is not None:
            self._stream[0].next_frame()
            return self._stream
        switch = self._switch
        self.tile(switch.engine)  # before it is checked: its graphs have to know their room

        def window() -> Tensor:
            return first_window(seen(), switch.engine, self.tile(switch.engine))

        engine = switch.current(window)
        tile = self.tile(engine)
        if tile is not None and not self._settled and not is_exact(engine, self._size, tile):
            tile = self._settle(engine, seen, tile)
        if self._keeps_state and is_stateful(engine):
            self._stream = StreamEngine(engine), tile
            return self._stream
        return self._pool.engine_of_step(engine, step), tile

    def _settle(self, engine: Engine, seen: Sample, tile: Size) -> Size | None:
        """Return the tile once all that is read around it is known, and say what the cut costs.

        Measured on the first frame where no earlier run has done so; other frames wait for it.
        """
        with self._settling:
            if self._settled:
                return self.tile(engine)
            room = window_pixels(tile, self._size, engine)
            found = self._pool.measure_surroundings(seen().to(engine.input_dtype), room)
            final = self.tile(engine)
            if not is_exact(engine, self._size, final):
                self._notes.say(self._words(engine, final, found))
            self._settled = True
            return final

    def _words(self, engine: Engine, tile: Size | None, found: Surroundings | None) -> str:
        pixels = engine.traits.blend_margin
        text = (
            f"{engine.name} in tiles of {tile}, which blend over {2 * pixels} pixels: not exactly "
            "the picture that whole frames give"
        )
        if found is None or pixels not in found.levels:
            return text
        when = "by an earlier run" if found.before else "on the first frame"
        return (
            f"{text}, {found.levels[pixels]:.2f} levels of 255 from it where they overlap, "
            f"root mean square, measured {when}"
        )

    def tile(self, engine: Engine) -> Size | None:
        """Return what ``engine`` sees at once, and limit what it keeps from run to run."""
        planned, share = self._planned, self._pool.planner.share_bytes
        if planned is None or not planned.holds(engine, share):
            self._planned = planned = self._look_up(engine, share)
        engine.reserve(planned.plan.graphs)
        return planned.plan.tile

    def _look_up(self, engine: Engine, share_bytes: int) -> _Planned:
        """Plan anew what may still change."""
        plan = self._kept(engine)
        if plan is None:
            plan = self._plan(engine, share_bytes)
        return _Planned(engine, share_bytes, engine.traits.blend_margin, plan)

    def _kept(self, engine: Engine) -> MemoryPlan | None:
        """Return the plan that stays whatever shares become: its tile shows, or has a state."""
        planned = self._planned
        if planned is None:
            return None
        tile = planned.plan.tile
        shows = engine.halo is None or (tile is not None and blends(engine, self._size, tile))
        same = planned.engine is engine and planned.margin == engine.traits.blend_margin
        return planned.plan if (shows and same) or self._stream is not None else None

    def _plan(self, engine: Engine, share_bytes: int) -> MemoryPlan:
        return self._pool.plan(
            self.source, self.target, engine, self._held, self._notes, share_bytes
        )
