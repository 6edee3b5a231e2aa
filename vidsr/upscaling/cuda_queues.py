"""A CUDA device as ``Device``: three streams and page-locked memory.

The one place where frames meet streams. Without CUDA it is only typed and read; what drives it,
``vidsr.upscaling.device_ring``, is tested with a device that runs its queues in any order they
allow.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor

from vidsr.errors import DeviceError, MemoryLimitError, VidsrError
from vidsr.upscaling.device_ring import Queue


class CudaDevice:
    """Streams of one device. Copies run beside kernels, since each queue is a stream of its own."""

    def __init__(self, device: torch.device) -> None:
        self.device = device
        queues: tuple[Queue, ...] = ("upload", "compute", "download")
        # No default stream among them: it would wait for all others.
        self._streams = {q: torch.cuda.Stream(device) for q in queues}  # type: ignore[no-untyped-call]

    def host(self, shape: tuple[int, int], dtype: torch.dtype) -> Tensor:
        """Return page-locked memory. Raises MemoryLimitError."""
        try:
            with torch.cuda.device(self.device):  # else the first device gets a context, too
                return torch.empty(shape, dtype=dtype, pin_memory=True)
        except RuntimeError as error:
            raise MemoryLimitError(
                f"no page-locked memory for {shape = }: {error}", hint="raise `ulimit -l`"
            ) from error

    def memory(self, shape: tuple[int, int], dtype: torch.dtype) -> Tensor:
        """Return memory of the device that nothing queued so far uses. Raises MemoryLimitError."""
        with self._failures():
            buffer = torch.empty(shape, dtype=dtype, device=self.device)
            # It may have been freed by work that is still waiting on the current stream.
            torch.cuda.synchronize(self.device)
        return buffer

    def submit(self, queue: Queue, work: Callable[[], None]) -> None:
        """Launch ``work`` on the queue's stream. Raises DeviceError, MemoryLimitError."""
        with self._failures(), self.on(queue):
            work()

    @contextmanager
    def on(self, queue: Queue) -> Iterator[None]:
        """Send what is launched inside to the queue's stream.

        Behind what the caller's stream holds, which may be planes that it has just begun to make.
        """
        self._streams[queue].wait_stream(torch.cuda.current_stream(self.device))
        with torch.cuda.stream(self._streams[queue]):
            yield

    def copy(self, target: Tensor, source: Tensor) -> None:
        """Copy without waiting; the ring says when the memory may be touched again."""
        target.copy_(source, non_blocking=True)

    def record(self, queue: Queue) -> torch.cuda.Event:
        """Record an event behind everything launched on the queue. Raises DeviceError."""
        with self._failures():
            # Blocking means that the waiting thread sleeps: spinning would take a core from x264.
            event = torch.cuda.Event(blocking=True)  # type: ignore[no-untyped-call]
            event.record(self._streams[queue])
        return event

    def await_event(self, queue: Queue, event: torch.cuda.Event) -> None:
        """Have the queue's stream wait. Raises DeviceError."""
        with self._failures():
            self._streams[queue].wait_event(event)

    def done(self, event: torch.cuda.Event) -> bool:
        """Return True if the event has come. Raises DeviceError."""
        with self._failures():
            return bool(event.query())  # type: ignore[no-untyped-call]

    def synchronize(self, event: torch.cuda.Event) -> None:
        """Wait. Raises DeviceError."""
        with self._failures():
            event.synchronize()

    @contextmanager
    def _failures(self) -> Iterator[None]:
        """Turn what PyTorch raises into errors of vidsr."""
        try:
            yield
        except VidsrError:
            raise
        except torch.OutOfMemoryError as error:
            raise MemoryLimitError(
                f"{self.device}: out of memory", hint="give a smaller `tile` or `max_memory`"
            ) from error
        except RuntimeError as error:
            reason = str(error).partition("\n")[0]
            raise DeviceError(
                f"{self.device}: {reason}",
                hint="nvidia-smi and dmesg tell more; device = 'cpu' works on",
            ) from error
