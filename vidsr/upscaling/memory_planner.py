"""Planner of the memory that several streams share on a device."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from threading import RLock
from typing import Protocol

from vidsr.engines.engine import BLEND_MARGIN, Engine
from vidsr.engines.tile_margins import may_blend
from vidsr.errors import MemoryLimitError
from vidsr.notes import Notes
from vidsr.picture.frame import VideoFormat
from vidsr.picture.size import Size
from vidsr.upscaling.memory_plan import Load, MemoryPlan, fits_whole, plan_memory


class Claim(Protocol):
    """Claim of a stream to a share of the memory."""

    def check(self, share_bytes: int) -> None:
        """Raise MemoryLimitError if the stream cannot run within ``share_bytes``."""
        ...


class Seat:
    """Place of one stream among those that run; taken with its first frame."""


class MemoryPlanner:
    """Planner that shares the memory of a device out to all streams that run there.

    Streams that have not begun count nothing. One that begins is admitted only if all that run
    already go on within the smaller share.

    Args:
        limit_bytes: Limit of all streams together, on each device.
        tile: Tile that is kept, however much it takes; None chooses one.
    """

    def __init__(self, limit_bytes: int, tile: Size | None = None) -> None:
        self.limit_bytes, self.tile = limit_bytes, tile
        # Reentrant: an abandoned session may be collected, and leave, wherever the lock is held.
        self.lock = RLock()
        self._claims: dict[Seat, Claim] = {}
        self._plans: dict[_Order, dict[tuple[int, int], MemoryPlan]] = {}

    @property
    def running(self) -> int:
        """Number of streams that run."""
        return len(self._claims)

    @property
    def share_bytes(self) -> int:
        """Bytes that one stream may take."""
        return self.limit_bytes // max(1, len(self._claims))

    def admit(self, seat: Seat, claim: Claim) -> None:
        """Count a stream among those that run, in place of the claim its seat had before.

        Raises MemoryLimitError if the limit does not hold it beside those that run; these go on
        as before.
        """
        with self.lock:
            self._claims.pop(seat, None)
            others = tuple(self._claims.values())
            share_bytes = self.limit_bytes // (len(others) + 1)
            try:
                for one in (*others, claim):
                    one.check(share_bytes)
            except MemoryLimitError as error:
                if not others:
                    raise
                raise _no_room(len(others), self.limit_bytes, error) from error
            self._claims[seat] = claim

    def leave(self, seat: Seat) -> None:
        """Give a seat back: the shares of the others grow. A second call does nothing."""
        with self.lock:
            self._claims.pop(seat, None)

    @contextmanager
    def admitted(self, claim: Claim) -> Iterator[None]:
        """Count a single picture as a stream while it is upscaled. Raises as ``admit``."""
        seat = Seat()
        self.admit(seat, claim)
        try:
            yield
        finally:
            self.leave(seat)

    def plan(
        self,
        source: VideoFormat,
        target: VideoFormat,
        engine: Engine,
        load: Load,
        notes: Notes,
        share_bytes: int | None = None,
    ) -> MemoryPlan:
        """Plan frames of a format on their way to another through an engine.

        With an engine that takes more than another did, as float32 does after half precision was
        rejected, the tile is chosen anew, and ``notes`` say so. ``share_bytes`` is the share of
        now unless given. Raises MemoryLimitError.
        """
        if share_bytes is None:
            share_bytes = self.share_bytes
        order = _Order(source, target, load.frames, share_bytes)
        with self.lock:
            plans = self._plans.setdefault(order, {})
            found = plans.get(_kind(engine))
            if found is not None:
                return found
            plan = self._fitting(order, engine, load, notes)
            others = [other for kind, other in plans.items() if kind[1] == _kind(engine)[1]]
            plans[_kind(engine)] = plan
        if any(plan.tile != other.tile for other in others):
            notes.choose(
                f"{engine.name} in {str(engine.dtype)[6:]} sees {plan.tile or 'the whole frame'} "
                f"at once, to keep the limit of memory"
            )
        return plan

    def keep_tile(self, tile: Size) -> None:
        """Cut frames into such tiles from now on, however much they take."""
        with self.lock:
            self.tile = tile
            self._plans.clear()

    def _fitting(self, order: _Order, engine: Engine, load: Load, notes: Notes) -> MemoryPlan:
        """Return the plan, with fewer pixels around tiles that blend where it fits no other way."""
        while True:
            try:
                return plan_memory(
                    order.source, order.target, engine, order.share_bytes, load, self.tile
                )
            except MemoryLimitError:
                pixels = engine.traits.blend_margin
                if pixels <= BLEND_MARGIN or not may_blend(engine):
                    raise
                engine.surround(pixels // 2)
                notes.say(f"{engine.name}: no memory for tiles with {pixels} pixels around each")

    def side_by_side(
        self, source: VideoFormat, target: VideoFormat, engine: Engine, threads: int
    ) -> int:
        """Return how many frames of a stream a CPU upscales at once, ``threads`` at most.

        One where a tile is given, since tiles are for those who are short of memory.
        """
        count = 1 if self.tile is not None else threads
        while count > 1 and not fits_whole(source, target, engine, self.share_bytes, count):
            count //= 2
        return count


@dataclass(frozen=True)
class _Order:
    """Identity of a plan, the engine aside."""

    source: VideoFormat
    target: VideoFormat
    frames: int
    share_bytes: int


def _kind(engine: Engine) -> tuple[int, int]:
    """Return what of an engine a plan depends on: memory of a pixel, and pixels around tiles."""
    return engine.bytes_per_pixel, engine.traits.blend_margin


def _no_room(running: int, limit_bytes: int, error: MemoryLimitError) -> MemoryLimitError:
    streams = "1 other stream runs" if running == 1 else f"{running} other streams run"
    return MemoryLimitError(
        f"{streams} within the limit of {limit_bytes >> 10} KiB, which does not hold one more: "
        f"{error.message}",
        hint="close a session that is done, or raise the limit of memory.",
    )
