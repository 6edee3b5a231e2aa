"""A session: one stream of frames through a pool of engines that many streams share."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import groupby
from typing import Any, Protocol, Self, TypeVar

import torch

from vidsr.notes import Notes
from vidsr.picture.frame import Frame, VideoFormat
from vidsr.upscaling.cpu_workers import Workers
from vidsr.upscaling.device_ring import DEPTH, Lane, Ring
from vidsr.upscaling.engine_pool import EnginePool
from vidsr.upscaling.format_run import FormatRun

T = TypeVar("T")


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


class Session:
    """One stream through an ``EnginePool``: its own order, state, notes and share of memory.

    For one thread at a time; different sessions of a pool may have different threads.

    Args:
        pool: Held until the session is closed.
        target: Format of the frames that come out; None for ``pool.target_format``.
        held: How many of the frames that came out are kept unreleased while one is pushed. On a
            GPU their planes are lent: call ``release`` when they have been read.
        notes: Take what is said of this stream.
    """

    def __init__(
        self,
        pool: EnginePool,
        target: VideoFormat | None = None,
        *,
        held: int = 1,
        notes: Notes | None = None,
    ) -> None:
        pool.retain()
        pool.planner.join()
        self.pool, self.target, self.held = pool, target, held
        self.notes = notes or Notes()
        self._way: Way | None = None
        self._format: VideoFormat | None = None
        self._done: list[Frame] = []
        self._closed = False

    @property
    def latency_frames(self) -> int:
        """Most frames that are held back."""
        if self._way is not None:
            return self._way.latency_frames
        if self.pool.on_gpu:
            return DEPTH * len(self.pool.devices)
        threads = torch.get_num_threads() if self._side_by_side() else 1
        return threads if threads > 1 else 0

    def push(self, frame: Frame) -> list[Frame]:
        """Take a frame in; return the frames that come out by then, in order.

        Raises MemoryLimitError, DeviceError, and OptionError where more than ``held`` frames that
        came out before are unreleased.
        """
        if self._way is None or frame.format != self._format:
            self._end_way()
            self._way, self._format = self.way(frame.format), frame.format
        self._done += self._way.take(frame)
        return self._given()

    def flush(self) -> list[Frame]:
        """Return all frames that are held back, in order. The state stays: more may follow."""
        if self._way is not None:
            self._done += self._way.rest()
        return self._given()

    def reset(self) -> None:
        """Forget the frames before: a scene cut, a jump, a reconnect.

        A stateful engine begins anew, be it another engine. What was held back comes out with the
        next ``push`` or ``flush``.
        """
        self._end_way()

    def close(self) -> None:
        """Drop what is held back and give the pool up. A second call does nothing."""
        if self._closed:
            return
        self._closed = True
        try:
            if self._way is not None:
                self._way.close()
        finally:
            self._way = None
            self.pool.planner.leave()
            self.pool.release()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _given(self) -> list[Frame]:
        done, self._done = self._done, []
        return done

    def _end_way(self) -> None:
        if self._way is not None:
            way, self._way = self._way, None
            try:
                self._done += way.rest()
            finally:
                way.close()

    def stream(
        self,
        items: Iterable[T],
        target: VideoFormat | None,
        held: int,
        ends: Callable[[Any], bool] | None = None,
    ) -> Iterator[Any]:
        """Give items in order: frames upscaled, all else as it is. Apart from ``push``.

        ``ends`` tells items after which it goes on as after ``reset``.
        """
        yield from by_format(items, lambda source: self.way(source, target, held), ends)

    def way(
        self, source: VideoFormat, target: VideoFormat | None = None, held: int | None = None
    ) -> Way:
        """Make the way of frames of one format, with a state of its own."""
        target = target or self.target or self.pool.target_format(source)
        held = held or self.held
        if self.pool.on_gpu:
            return self._ring(source, target, held)
        run = FormatRun(self.pool, 0, source, target, self.notes, keeps_state=True)
        return Workers(run.upscale, self.side_by_side(source, target))

    def _ring(self, source: VideoFormat, target: VideoFormat, held: int) -> Ring:
        """Make slots on all GPUs; a stream with a state stays on one of them."""
        lanes = []
        devices = len(self.pool.devices) if not self.pool.engine.traits.stateful else 1
        for index in range(devices):
            run = FormatRun(
                self.pool, index, source, target, self.notes, held=held, keeps_state=True
            )
            run.offer()
            lanes.append(Lane(self.pool.queues(index), source, target, run.work))
        return Ring(lanes, downstream=held)

    def side_by_side(self, source: VideoFormat, target: VideoFormat) -> int:
        """Return how many frames a CPU upscales at once: as many as there are threads and room.

        One where the engine has a state, or lets only one thread call it.
        """
        threads = torch.get_num_threads() if self._side_by_side() else 1
        return self.pool.planner.side_by_side(source, target, self.pool.engine, threads)

    def _side_by_side(self) -> bool:
        traits = self.pool.engine.traits
        return traits.reentrant and not traits.stateful


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
