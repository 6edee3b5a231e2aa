"""An engine on CUDA whose launches are captured for each shape and replayed as one."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TypeVar

import torch
from torch import Tensor

from vidsr.engines.devices import cudnn_flags
from vidsr.engines.engine import DescribedEngine, Engine, is_adjustable
from vidsr.errors import DeviceError, MemoryLimitError, VidsrError
from vidsr.models.model import Model

WARM_UP_RUNS = 3  # in which cuDNN chooses algorithms and libraries get their workspace
KEPT_SHAPES = 4  # each holds the activations of its shape for as long as it is kept
REMEMBERED_SHAPES = 64  # that have run once: a dozen numbers each

T = TypeVar("T")
Shape = tuple[int, ...]
Replay = Callable[[], None]
Capture = Callable[[Callable[[], Tensor]], tuple[Tensor, Replay]]


@dataclass(frozen=True)
class _Captured:
    input: Tensor
    output: Tensor
    replay: Replay


class GraphedEngine(DescribedEngine):
    """``engine`` with the work on one shape as one CUDA graph. Attributes are the engine's.

    A shape runs plainly the first time and is captured the second time: pictures that all have
    sizes of their own never are. What ``run`` gives is overwritten by the next run on the same
    shape. ``capture`` records a function's launches; it is an argument so that tests run without
    CUDA. Of ``kept`` graphs at most, the least recently used goes first. ``lasting`` is False
    where other weights in the engine need other graphs.
    """

    def __init__(
        self,
        engine: Engine,
        *,
        capture: Capture | None = None,
        kept: int = KEPT_SHAPES,
        lasting: bool = True,
    ) -> None:
        self.traits = replace(engine.traits, reentrant=False)  # one buffer for all results
        self.room_bytes: int | None = None
        self.engine, self._kept, self._lasting = engine, kept, lasting
        self._capture = capture or CudaRecorder(engine.device)
        self._captured: OrderedDict[Shape, _Captured] = OrderedDict()
        self._ran: OrderedDict[Shape, None] = OrderedDict()

    def adjusted(self, model: Model) -> GraphedEngine:
        """See ``AdjustableEngine.adjusted``: this one, its graphs kept where they last."""
        if not is_adjustable(self.engine):
            raise DeviceError(f"{self.name} on {self.device} runs no other weights")
        if not self._lasting:
            self.clear()
        engine = self.engine.adjusted(model)
        if engine is not self.engine:  # as on a CPU, where tests put graphs around it
            self.clear()
            self.engine = engine
        return self

    def run(self, x: Tensor) -> Tensor:
        """See ``Engine.run``. The result is an inference tensor."""
        try:
            with torch.inference_mode():
                return self._run(x)
        except VidsrError:
            raise
        except RuntimeError as error:
            reason = str(error).partition("\n")[0]
            raise DeviceError(f"{self.name} on {self.device}: {reason}") from error

    def _run(self, x: Tensor) -> Tensor:
        shape = tuple(x.shape)
        captured = self._captured.get(shape)
        if captured is None:
            if shape not in self._ran:
                return self._run_plainly(x)
            captured = self._record_in_time(x)
        self._captured.move_to_end(shape)
        captured.input.copy_(x)
        captured.replay()
        return captured.output

    def _run_plainly(self, x: Tensor) -> Tensor:
        result = self._in_time(x, lambda: self.engine.run(x.to(self.input_dtype)))
        self._ran[tuple(x.shape)] = None
        while len(self._ran) > REMEMBERED_SHAPES:
            self._ran.popitem(last=False)
        return result

    def _record_in_time(self, x: Tensor) -> _Captured:
        return self._in_time(x, lambda: self._record(x))

    def _in_time(self, x: Tensor, work: Callable[[], T]) -> T:
        """Do ``work`` on ``x``. Graphs of other shapes hold memory: without room, they go."""
        self._make_room(x)
        try:
            return work()
        except (MemoryLimitError, torch.OutOfMemoryError):
            if not self._captured:
                raise
        self.clear()
        return work()

    def _make_room(self, x: Tensor) -> None:
        """Make room for one graph more, or for a plain run, which takes as much while it lasts."""
        gone = []
        for shape in list(self._captured):
            kept = [other for other in self._captured if other not in gone]
            if len(kept) < self._kept and not self._too_much((*kept, tuple(x.shape))):
                break
            gone.append(shape)
        self._forget(gone)

    def reserve(self, room_bytes: int | None) -> None:
        """Limit what the activations in all graphs may take together; None for no limit.

        The last graph that is used stays in any case.
        """
        self.room_bytes = room_bytes

    def _too_much(self, shapes: Iterable[Shape]) -> bool:
        pixels = sum(images * height * width for images, _, height, width in shapes)
        return self.room_bytes is not None and pixels * self.bytes_per_pixel > self.room_bytes

    def clear(self) -> None:
        """Forget all graphs and give their memory back."""
        self._forget(list(self._captured))

    def close(self) -> None:
        """Forget all graphs; a device that has failed already is left alone."""
        with suppress(RuntimeError):
            self.clear()
        self.engine.close()

    def _forget(self, shapes: list[Shape]) -> None:
        """Forget graphs, which may still be running, and that their shapes have been there."""
        cuda = self.device.type == "cuda" and bool(shapes)
        if cuda:
            torch.cuda.synchronize(self.device)
        for shape in shapes:
            del self._captured[shape]
            self._ran.pop(shape, None)
        if cuda:
            torch.cuda.empty_cache()

    def _record(self, x: Tensor) -> _Captured:
        held = x.to(self.input_dtype, memory_format=torch.channels_last, copy=True)
        output, replay = self._capture(lambda: self.engine.run(held))
        captured = self._captured[tuple(x.shape)] = _Captured(held, output, replay)
        return captured


class CudaRecorder:
    """``capture_on_cuda`` in a thread of its own, which lives as long as the recorder.

    PyTorch keeps the cuDNN algorithm that it took for a shape for each thread, measured or guessed,
    whichever came first: where a plain run has guessed, nothing would be measured any more. And the
    algorithms that a graph launches have to outlive it, which those of a pipeline's thread do not.
    """

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="recorder")

    def __call__(self, work: Callable[[], Tensor]) -> tuple[Tensor, Replay]:
        """See ``capture_on_cuda``; the caller's stream is the current one there."""
        caller = torch.cuda.current_stream(self._device)

        def capture() -> tuple[Tensor, Replay]:
            with torch.cuda.stream(caller):
                return capture_on_cuda(work, self._device)

        return self._thread.submit(capture).result()


def capture_on_cuda(work: Callable[[], Tensor], device: torch.device) -> tuple[Tensor, Replay]:
    """Capture ``work`` as a CUDA graph: (what it gives, how to run it again into that).

    cuDNN measures its algorithms while warming up. Other threads may go on using CUDA meanwhile.
    """
    with torch.cuda.device(device), torch.inference_mode():
        stream = torch.cuda.Stream(device)  # type: ignore[no-untyped-call]
        stream.wait_stream(torch.cuda.current_stream(device))
        measured = cudnn_flags(benchmark=True)
        with torch.cuda.stream(stream), measured:
            for _ in range(WARM_UP_RUNS):
                work()
        torch.cuda.current_stream(device).wait_stream(stream)
        graph = torch.cuda.CUDAGraph()
        # By default torch captures on a stream of the device that captured first: on another one
        # the work would run and the graph be empty.
        with torch.cuda.graph(graph, stream=stream, capture_error_mode="thread_local"):
            output = work()
    return output, graph.replay
