"""A session: one stream of frames through a pool of engines that many streams share."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby
from threading import RLock
from typing import Any, Protocol, Self, TypeVar
from weakref import finalize

import av
import torch

from vidsr.errors import OptionError
from vidsr.notes import Notes
from vidsr.picture.coding_error import CodingError, given_error
from vidsr.picture.frame import Frame, VideoFormat
from vidsr.upscaling.cpu_workers import Workers
from vidsr.upscaling.device_ring import DEPTH, Lane, Ring
from vidsr.upscaling.engine_pool import EnginePool
from vidsr.upscaling.forked import check_not_forked
from vidsr.upscaling.format_run import FormatRun
from vidsr.upscaling.memory_plan import HELD_FRAMES
from vidsr.upscaling.memory_planner import Seat
from vidsr.upscaling.picture_kinds import delivered, note_losses, planar
from vidsr.upscaling.reuse.counts import ReuseCounts, ReuseTally
from vidsr.upscaling.reuse.rule import EXACT, Reuse

T = TypeVar("T")


@dataclass(frozen=True)
class Flow:
    """What the two ends of a stream ask for and know.

    Args:
        target: Format of the frames that come out; None for ``EnginePool.target_format``.
        held: How many frames that came out are kept unreleased while one goes in, at least 1. On a
            GPU their planes are lent: call ``release`` when they have been read.
        latency: Most frames that are held back, 0 or more; None is what is fastest.
        coding_error: Expected error of pictures that do not carry it, which are all but ``Frame``,
            in levels of 8 bits; None takes them as clean.

    Raises:
        OptionError: A number is out of range or of another type.
    """

    target: VideoFormat | None = None
    held: int = 1
    latency: int | None = None
    coding_error: float | None = None

    def __post_init__(self) -> None:
        given: object = self.target
        if given is not None and not isinstance(given, VideoFormat):
            kind = type(given).__name__
            raise OptionError(f"target: expected a VideoFormat or None, got type {kind}")
        _check_count("held", self.held, 1)
        if self.latency is not None:
            _check_count("latency", self.latency, 0)
        given_error(self.coding_error)

    @property
    def error(self) -> CodingError | None:
        """Expected error of pictures that do not carry it."""
        return given_error(self.coding_error)

    def at_most(self, frames: int) -> int:
        """Return how many of ``frames`` may be on their way at once, at least 1."""
        return frames if self.latency is None else max(1, min(frames, self.latency))


def _check_count(name: str, number: object, least: int) -> None:
    if type(number) is not int or number < least:
        raise OptionError(f"{name} = {number!r}: expected a whole number of at least {least}")


class Way(Protocol):
    """Way of frames of one format through a device, in their order."""

    @property
    def latency_frames(self) -> int:
        """Most frames that are held back."""
        ...

    def take(self, item: T) -> Iterator[T | Frame]:
        """Take one item in, and give what is to come out by then."""
        ...

    def rest(self) -> Iterator[Any]:
        """Give everything that is still held back."""
        ...

    def close(self) -> None:
        """Wait for what is being done, and drop what is held back."""
        ...

    def through(self, items: Iterable[T]) -> Iterator[T | Frame]:
        """Give items in their order: frames upscaled, all else as it is."""
        ...


@dataclass(frozen=True)
class _Origin:
    """Picture of PyAV that the next frame of a way was made from; None for planes."""

    image: av.VideoFrame | None


class _Belongings:
    """Belongings of a session: what it gives back when it ends, even if nobody closes it."""

    def __init__(self, pool: EnginePool) -> None:
        pool.retain()
        self.pool, self.seat = pool, Seat()
        self.way: Way | None = None

    def give_back(self) -> None:
        """Drop what is held back, and give up the share of memory and the pool."""
        way, self.way = self.way, None
        try:
            if way is not None:
                way.close()
        finally:
            self.pool.planner.leave(self.seat)
            self.pool.release()


class Session:
    """One stream through an ``EnginePool``: its own order, state, notes and share of memory.

    For one thread at a time; different sessions of a pool may have different threads, and any
    thread may close a session. One that is dropped without ``close`` is given back all the same.

    Args:
        pool: Held until the session is closed.
        flow: What its two ends ask for and know.
        notes: Take what is said of this stream.
        reuse: What is taken from one frame for the next; on a CPU only.

    Raises:
        OptionError: The pool is closed.
    """

    def __init__(
        self,
        pool: EnginePool,
        flow: Flow = Flow(),
        *,
        notes: Notes | None = None,
        reuse: Reuse = EXACT,
    ) -> None:
        self._reuse, self._counts = reuse, ReuseCounts()
        self._run: FormatRun | None = None
        self._own = _Belongings(pool)
        self._end = finalize(self, self._own.give_back)
        self._end.atexit = False  # a process that ends needs nothing back
        self.pool, self.flow = pool, flow
        self.notes = notes or Notes()
        self._format: VideoFormat | None = None
        self._origin: av.VideoFrame | None = None
        self._done: list[Any] = []
        self._turn = RLock()

    @property
    def reused(self) -> ReuseTally:
        """What was computed and what was reused so far."""
        return self._counts.tally

    def changed_share(self, frame: Frame) -> float:
        """Return which share of a frame's pixels the network would see, were it pushed next.

        1 where nothing is reused. Costs about what ``push`` spends on comparing: of a luma
        network 0.1 ms at 640x360 for a frame that stands still.
        """
        with self._turn:
            run = self._run
            if run is None or self._own.way is None or run.source != frame.format:
                return 1.0
            return run.changed_share(frame)

    @property
    def latency_frames(self) -> int:
        """Most frames that are held back."""
        way = self._own.way
        if way is not None:
            return way.latency_frames
        if self.flow.latency == 0:
            return 0
        if self.pool.on_gpu:
            return self.flow.at_most(DEPTH * len(self.pool.devices))
        threads = self.flow.at_most(self._threads())
        return threads if threads > 1 else 0

    def push(self, frame: Any) -> list[Any]:
        """Take a frame in; return the frames that come out by then, in order.

        The first frame takes a share of the memory, which the session has until it is closed.

        Args:
            frame: ``Frame`` or ``av.VideoFrame``; the same kind comes out.

        Raises:
            MemoryLimitError: The limit does not hold this stream beside those that run already;
                those go on as before.
            DeviceError: The device fails.
            OptionError: The session is closed, ``frame`` is of another type, or more than
                ``held`` frames that came out before are unreleased.
        """
        image = frame if isinstance(frame, av.VideoFrame) else None
        if image is None and not isinstance(frame, Frame):
            raise OptionError(
                f"frame: expected av.VideoFrame or Frame, got type {type(frame).__name__}."
            )
        with self._turn:
            self._check_open()
            if image is not None:
                note_losses(image, self.notes)
            planes = frame if image is None else planar(image, self.flow.error)
            way = self._way_of(planes.format)
            self._collect(way.take(_Origin(image)))
            self._collect(way.take(planes))
            return self._given()

    def flush(self) -> list[Any]:
        """Return all frames that are held back, in order. The state stays: more may follow.

        Raises OptionError where the session is closed.
        """
        with self._turn:
            self._check_open()
            if self._own.way is not None:
                self._collect(self._own.way.rest())
            return self._given()

    def reset(self) -> None:
        """Forget the frames before: a scene cut, a jump, a reconnect.

        A stateful engine begins anew, be it another engine. What was held back comes out with the
        next ``push`` or ``flush``. Raises OptionError where the session is closed.
        """
        with self._turn:
            self._check_open()
            self._end_way()

    def close(self) -> None:
        """Drop what is held back and give the pool up. A second call does nothing.

        Waits for a ``push`` that another thread has begun; its next one raises OptionError.
        """
        with self._turn:
            self._done.clear()
            self._end()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _check_open(self) -> None:
        check_not_forked()
        if not self._end.alive:
            raise OptionError("the session is closed: open another one")

    def _way_of(self, source: VideoFormat) -> Way:
        """Return the way of frames of a format, which ends that of another one."""
        if self._own.way is None or source != self._format:
            self._end_way()
            self._own.way, self._format = self._way(source, self._own.seat, self.flow), source
        return self._own.way

    def _collect(self, items: Iterable[Any]) -> None:
        """Keep the frames that come out, as pictures of PyAV where they were made of such."""
        for item in items:
            if isinstance(item, _Origin):
                self._origin = item.image
            elif self._origin is None:
                self._done.append(item)
            else:
                kept = self.flow.target is None
                self._done.append(delivered(item, self._origin, keep_matrix=kept))

    def _given(self) -> list[Any]:
        done, self._done = self._done, []
        return done

    def _end_way(self) -> None:
        way, self._own.way = self._own.way, None
        if way is not None:
            try:
                self._collect(way.rest())
            finally:
                way.close()

    def stream(
        self,
        items: Iterable[T],
        flow: Flow,
        ends: Callable[[Any], bool] | None = None,
    ) -> Iterator[Any]:
        """Give items in order: frames upscaled, all else as it is. Apart from ``push``.

        ``ends`` tells items after which it goes on as after ``reset``.
        """
        check_not_forked()
        seat = Seat()
        try:
            yield from by_format(items, lambda source: self._way(source, seat, flow), ends)
        finally:
            self.pool.planner.leave(seat)

    def _way(self, source: VideoFormat, seat: Seat, flow: Flow) -> Way:
        """Make the way of frames of one format, with a state of its own."""
        target = flow.target or self.pool.target_format(source)
        devices = 1 if self.pool.engine.traits.stateful else flow.at_most(len(self.pool.devices))
        runs = [
            FormatRun(
                self.pool,
                index,
                source,
                target,
                self.notes,
                held=flow.held if self.pool.on_gpu else HELD_FRAMES,
                keeps_state=True,
                reuse=self._reuse,
                counts=self._counts,
            )
            for index in range(devices)
        ]
        planner = self.pool.planner
        with planner.lock:
            planner.admit(seat, runs[0])
            threads = flow.at_most(self._threads())
            count = 1 if self.pool.on_gpu else runs[0].side_by_side(threads)
        if not self.pool.on_gpu:
            self._run = runs[0]
            return Workers(runs[0].finish, count, runs[0].prepare)
        try:
            return self._ring(runs, flow)
        except BaseException:
            planner.leave(seat)
            raise

    def _ring(self, runs: list[FormatRun], flow: Flow) -> Ring:
        """Make slots on all GPUs; a stream with a state stays on one of them."""
        lanes = []
        for index, run in enumerate(runs):
            run.offer()
            lanes.append(Lane(self.pool.queues(index), run.source, run.target, run.work))
        depth = flow.at_most(DEPTH * len(lanes)) // len(lanes)
        return Ring(lanes, downstream=flow.held, depth=depth, at_once=flow.latency == 0)

    def side_by_side(self, source: VideoFormat, target: VideoFormat) -> int:
        """Return how many frames a CPU upscales at once: as many as there are threads and room.

        One where the engine has a state, or lets only one thread call it.
        """
        return self.pool.planner.side_by_side(source, target, self.pool.engine, self._threads())

    def _threads(self) -> int:
        """Return how many threads may upscale frames side by side."""
        traits = self.pool.engine.traits
        return torch.get_num_threads() if traits.reentrant and not traits.stateful else 1


def by_format(
    items: Iterable[T],
    make: Callable[[VideoFormat], Way],
    ends: Callable[[Any], bool] | None = None,
) -> Iterator[T | Frame]:
    """Give items through ways, a new one whenever frames come in another format.

    ``ends`` tells items after which there is a new one in any case.
    """
    last: VideoFormat | None = None
    part = 0

    def layout(item: T) -> tuple[int, VideoFormat | None]:
        nonlocal last, part
        here = part
        if isinstance(item, Frame):
            last = item.format
        elif ends is not None:
            part += ends(item)
        return here, last

    for (_, source), group in groupby(items, layout):
        if source is None:
            yield from group
        else:
            yield from make(source).through(group)
