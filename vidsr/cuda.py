"""A CUDA device as :class:`vidsr.slots.Device`: three streams and page-locked memory.

The one place where frames meet streams. Without CUDA it is only typed and read; what drives it,
:mod:`vidsr.slots`, is tested with a device that runs its queues in any order they allow.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from vidsr.errors import DeviceError, MemoryLimitError
from vidsr.slots import Queue


class CudaDevice:
    """Streams of one device. Copies run beside kernels, since each queue is a stream of its own."""

    def __init__(self, device: torch.device) -> None:
        self.device = device
        queues: tuple[Queue, ...] = ("upload", "compute", "download")
        # No default stream among them: it would wait for all others.
        self._streams = {q: torch.cuda.Stream(device) for q in queues}  # type: ignore[no-untyped-call]

    def host(self, shape: tuple[int, int], dtype: torch.dtype) -> Tensor:
        """Page-locked memory. Raises MemoryLimitError."""
        try:
            return torch.empty(shape, dtype=dtype, pin_memory=True)
        except RuntimeError as error:
            raise MemoryLimitError(
                f"no page-locked memory for {shape = }: {error}", hint="raise `ulimit -l`"
            ) from error

    def memory(self, shape: tuple[int, int], dtype: torch.dtype) -> Tensor:
        """Memory of the device. Raises MemoryLimitError."""
        try:
            return torch.empty(shape, dtype=dtype, device=self.device)
        except torch.OutOfMemoryError as error:
            raise MemoryLimitError(
                f"{self.device}: no memory for {shape = }", hint="close what else uses it"
            ) from error

    def submit(self, queue: Queue, work: Callable[[], None]) -> None:
        """Launch ``work`` on the queue's stream."""
        with torch.cuda.stream(self._streams[queue]):
            work()

    def copy(self, target: Tensor, source: Tensor) -> None:
        """Without waiting; the ring says when the memory may be touched again."""
        target.copy_(source, non_blocking=True)

    def record(self, queue: Queue) -> torch.cuda.Event:
        """An event behind everything launched on the queue."""
        # Blocking means that the waiting thread sleeps: spinning would take a core from x264.
        event = torch.cuda.Event(blocking=True)  # type: ignore[no-untyped-call]
        event.record(self._streams[queue])
        return event

    def await_event(self, queue: Queue, event: torch.cuda.Event) -> None:
        """Have the queue's stream wait."""
        self._streams[queue].wait_event(event)

    def done(self, event: torch.cuda.Event) -> bool:
        """Whether the event has come. Raises DeviceError."""
        try:
            return bool(event.query())  # type: ignore[no-untyped-call]
        except RuntimeError as error:
            raise self._failed(error) from error

    def synchronize(self, event: torch.cuda.Event) -> None:
        """Wait. Raises DeviceError."""
        try:
            event.synchronize()
        except RuntimeError as error:
            raise self._failed(error) from error

    def _failed(self, error: RuntimeError) -> DeviceError:
        return DeviceError(
            f"{self.device}: {error}", hint="nvidia-smi and dmesg tell more; --device cpu works on"
        )
