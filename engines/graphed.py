"""An engine on CUDA whose launches are captured once for each shape and replayed as one."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from vidsr.engines.devices import cudnn_flags
from vidsr.engines.engine import Engine
from vidsr.errors import DeviceError, MemoryLimitError, VidsrError

WARM_UP_RUNS = 3  # in which cuDNN chooses algorithms and libraries get their workspace
KEPT_SHAPES = 4  # each holds the activations of its shape for as long as it is kept

Replay = Callable[[], None]
Capture = Callable[[Callable[[], Tensor]], tuple[Tensor, Replay]]


@dataclass(frozen=True)
class _Captured:
    input: Tensor
    output: Tensor
    replay: Replay


class GraphedEngine:
    """``engine`` with the work on one shape as one CUDA graph. Attributes are the engine's.

    What :meth:`run` gives is overwritten by the next run on the same shape.
    ``capture`` records a function's launches; it is an argument so that tests run without CUDA.
    """

    def __init__(
        self, engine: Engine, *, capture: Capture | None = None, kept: int = KEPT_SHAPES
    ) -> None:
        self.name, self.channels, self.scale = engine.name, engine.channels, engine.scale
        self.shuffle, self.halo, self.alignment = engine.shuffle, engine.halo, engine.alignment
        self.dtype, self.device = engine.dtype, engine.device
        self.input_dtype, self.offset = engine.input_dtype, engine.offset
        self.bytes_per_pixel = engine.bytes_per_pixel
        self.engine, self._kept = engine, kept
        self._capture = capture or (lambda work: capture_on_cuda(work, engine.device))
        self._captured: OrderedDict[tuple[int, ...], _Captured] = OrderedDict()

    def run(self, x: Tensor) -> Tensor:
        """See :meth:`vidsr.engines.engine.Engine.run`. The result is an inference tensor."""
        try:
            with torch.inference_mode():
                captured = self._captured.get(tuple(x.shape)) or self._record_in_time(x)
                self._captured.move_to_end(tuple(x.shape))
                captured.input.copy_(x)
                captured.replay()
                return captured.output
        except VidsrError:
            raise
        except RuntimeError as error:
            reason = str(error).partition("\n")[0]
            raise DeviceError(f"{self.name} on {self.device}: {reason}") from error

    def _record_in_time(self, x: Tensor) -> _Captured:
        """Graphs of other shapes hold memory: without room for one more, they go."""
        try:
            return self._record(x)
        except (MemoryLimitError, torch.OutOfMemoryError):
            if not self._captured:
                raise
        self._captured.clear()
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)
            torch.cuda.empty_cache()
        return self._record(x)

    def _record(self, x: Tensor) -> _Captured:
        while len(self._captured) >= self._kept:
            self._captured.popitem(last=False)
        held = x.to(self.input_dtype, memory_format=torch.channels_last, copy=True)
        output, replay = self._capture(lambda: self.engine.run(held))
        captured = self._captured[tuple(x.shape)] = _Captured(held, output, replay)
        return captured


def capture_on_cuda(work: Callable[[], Tensor], device: torch.device) -> tuple[Tensor, Replay]:
    """Launches of ``work`` as a CUDA graph: (what it gives, how to run it again into that).

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
