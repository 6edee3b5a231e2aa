"""Frames in flight: a ring of slots through upload, compute and download, each a queue of its own.

A slot owns every buffer that its frame passes through, so that no memory changes hands between
queues: it is filled again only when the frame before has been given up by whoever got it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Literal, Protocol, TypeVar, get_args

import torch
from torch import Tensor

from vidsr.errors import OptionError, VidsrError
from vidsr.picture.coding_error import CodingError
from vidsr.picture.frame import Frame, VideoFormat

Queue = Literal["upload", "compute", "download"]
Planes = tuple[Tensor, ...]
# Planes of a frame on the device -> planes of a larger one; beside them what a codec did to it.
Work = Callable[[Planes, Planes, CodingError | None], None]
T = TypeVar("T")

# Frames the device holds at once: one in each direction and one being computed. More only adds
# latency, since the three queues are then always busy.
DEPTH = 3


class Device(Protocol):
    """A device that runs queued work in order, each queue on its own; events tie them together."""

    def host(self, shape: tuple[int, int], dtype: torch.dtype) -> Tensor:
        """Return page-locked memory of the host."""
        ...

    def memory(self, shape: tuple[int, int], dtype: torch.dtype) -> Tensor:
        """Return memory of the device."""
        ...

    def submit(self, queue: Queue, work: Callable[[], None]) -> None:
        """Have ``work`` done behind what the queue holds. Returns at once."""
        ...

    def copy(self, target: Tensor, source: Tensor) -> None:
        """Copy between host and device without waiting, inside ``work``."""
        ...

    def record(self, queue: Queue) -> Any:
        """Record an event: that all submitted to the queue so far is done."""
        ...

    def await_event(self, queue: Queue, event: Any) -> None:
        """Have the queue go on after the event only. Returns at once."""
        ...

    def done(self, event: Any) -> bool:
        """Return True if the event has come."""
        ...

    def synchronize(self, event: Any) -> None:
        """Wait for the event. Raises DeviceError for what failed on the device until then."""
        ...


@dataclass(frozen=True)
class Lane:
    """A device, the formats of its frames, and what it does with one."""

    device: Device
    source: VideoFormat
    target: VideoFormat
    work: Work


class Slot:
    """Buffers of one frame, from the decoder's planes to the encoder's."""

    def __init__(self, lane: Lane) -> None:
        device = self._device = lane.device
        self._lane = lane
        source, target = lane.source, lane.target
        sizes = [(size, source.pixel.dtype) for size in source.plane_sizes]
        large = [(size, target.pixel.dtype) for size in target.plane_sizes]
        self._staged = tuple(device.host(*s) for s in sizes)
        self._inputs = tuple(device.memory(*s) for s in sizes)
        self._outputs = tuple(device.memory(*s) for s in large)
        self._results = tuple(device.host(*s) for s in large)
        self._pts: int | None = None
        self._duration: int | None = None
        self._captions = b""
        self._lent: Frame | None = None
        self._downloaded: Any = None

    def start(self, frame: Frame) -> None:
        """Queue the frame's whole way. The host only copies planes that are not on the device."""
        self._pts, self._duration = frame.pts, frame.duration
        self._captions = frame.captions
        device = self._device
        sources = tuple(map(self._stage, self._staged, frame.planes))
        if all(plane.device.type == "cpu" for plane in frame.planes):
            frame.release()
        else:
            self._lent = frame  # uploaded from where it lies
        device.submit("upload", lambda: self._copy(self._inputs, sources))
        device.await_event("compute", device.record("upload"))
        error = frame.coding_error
        device.submit("compute", lambda: self._lane.work(self._inputs, self._outputs, error))
        device.await_event("download", device.record("compute"))
        device.submit("download", lambda: self._copy(self._results, self._outputs))
        self._downloaded = device.record("download")

    @staticmethod
    def _stage(staged: Tensor, plane: Tensor) -> Tensor:
        return staged.copy_(plane) if plane.device.type == "cpu" else plane

    def _copy(self, targets: Planes, sources: Planes) -> None:
        for target, source in zip(targets, sources, strict=True):
            self._device.copy(target, source)

    @property
    def done(self) -> bool:
        """Return True if the event has come."""
        return self._device.done(self._downloaded)

    def finish(self, release: Callable[[], None]) -> Frame:
        """Wait for the large frame; its planes are this slot's until ``release`` is called."""
        self._device.synchronize(self._downloaded)
        if self._lent is not None:
            self._lent.release()
            self._lent = None
        return Frame(
            self._results,
            self._lane.target,
            self._pts,
            self._duration,
            captions=self._captions,
            release=release,
        )

    def drop(self) -> None:
        """Wait until nothing touches the buffers any more, whatever went wrong before."""
        for queue in get_args(Queue):
            with suppress(VidsrError, RuntimeError):  # a broken device raises whatever it likes
                self._device.synchronize(self._device.record(queue))
        if self._lent is not None:
            self._lent.release()
            self._lent = None


def slots_per_device(devices: int, downstream: int, depth: int = DEPTH) -> int:
    """Return how many slots a ``Ring`` makes on each of its devices."""
    return depth + -(-downstream // devices)


class Ring:
    """Slots that frames pass through in order; several devices take turns.

    The host waits for nothing but the oldest frame's download. ``downstream`` is how many frames
    the receiver may hold unreleased while it asks for more. With ``at_once`` every frame is waited
    for, and none is held back.
    """

    def __init__(
        self, lanes: Sequence[Lane], *, downstream: int, depth: int = DEPTH, at_once: bool = False
    ) -> None:
        self._free: deque[Slot] = deque()  # appending and taking are atomic: threads share it
        self._busy: deque[Slot | Any] = deque()
        self._depth, self._at_once = depth * len(lanes), at_once
        # Neighbours in the queue belong to different devices, so that these take turns.
        for _ in range(slots_per_device(len(lanes), downstream, depth)):
            self._free.extend(Slot(lane) for lane in lanes)

    @property
    def latency_frames(self) -> int:
        """Most frames that are held back."""
        return 0 if self._at_once else self._depth

    def through(self, items: Iterable[T]) -> Iterator[T | Frame]:
        """Give items in their order: frames upscaled, all else as it is.

        A frame is given out when ``depth`` more have come for every device, or with the first
        item that comes after it is done. Closing waits for the devices.
        """
        try:
            for item in items:
                yield from self.take(item)
            yield from self.rest()
        finally:
            self.close()

    def take(self, item: T) -> Iterator[T | Frame]:
        """Give what is done, make room where ``item`` is a frame, and start it."""
        yield from self._ready()
        if isinstance(item, Frame):
            yield from self._room()
            self._start(item)
        else:
            self._busy.append(item)
        if self._at_once:
            yield from self.rest()

    def rest(self) -> Iterator[Any]:
        """Give all that is on its way, each as soon as it is done."""
        while self._busy:
            yield self._oldest()

    def _start(self, frame: Frame) -> None:
        slot = self._free.popleft()
        try:
            slot.start(frame)
        finally:
            self._busy.append(slot)

    def _ready(self) -> Iterator[Any]:
        while self._busy and not (isinstance(self._busy[0], Slot) and not self._busy[0].done):
            yield self._oldest()

    def _room(self) -> Iterator[Any]:
        while sum(isinstance(item, Slot) for item in self._busy) >= self._depth:
            yield self._oldest()
        if not self._free:
            raise OptionError(
                "more frames of a stream are held than it was told",
                hint="call release() on each when it has been read, or give a larger held.",
            )

    def _oldest(self) -> Any:
        item = self._busy[0]
        if not isinstance(item, Slot):
            return self._busy.popleft()
        held = [item]

        def release() -> None:  # a second call must not put the slot in twice
            if held:
                self._free.append(held.pop())

        frame = item.finish(release)
        self._busy.popleft()  # not before: what fails to finish has to be dropped
        return frame

    def close(self) -> None:
        """Wait for the devices and drop what is on its way."""
        for item in self._busy:
            if isinstance(item, Slot):
                item.drop()
        self._busy.clear()
