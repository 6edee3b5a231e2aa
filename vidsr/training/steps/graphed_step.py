"""Training step as a CUDA graph: one launch instead of a thousand.

Written without a GPU to run it on: it has never been run.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

WARM_UP_STEPS = 3
"""Ordinary steps before capture, in which cuDNN chooses algorithms and Adam makes its state."""

Step = Callable[[Tensor], dict[str, Tensor]]


class GraphedStep:
    """Replay of ``step(draws)`` from a graph; ``draws`` of one shape, results on the device.

    The step may make no decision on the host. What it reads besides ``draws`` (weights, rate,
    pictures) must stay where it is.
    """

    def __init__(self, step: Step, device: torch.device) -> None:
        self.step, self.device = step, device
        self._graph: torch.cuda.CUDAGraph | None = None
        self._calls = 0

    def __call__(self, draws: Tensor) -> dict[str, Tensor]:
        self._calls += 1
        if self._calls <= WARM_UP_STEPS:
            return self._aside(draws)
        if self._graph is None:
            self._draws = draws.to(self.device)
            self._graph = torch.cuda.CUDAGraph()
            # Capturing runs nothing: the step counts when it is replayed.
            with torch.cuda.graph(self._graph):
                self._losses = self.step(self._draws)
        else:
            self._draws.copy_(draws, non_blocking=True)
        self._graph.replay()
        return {name: value.clone() for name, value in self._losses.items()}

    def _aside(self, draws: Tensor) -> dict[str, Tensor]:
        """Run the step on another stream, as capture requires of warm-up."""
        stream = torch.cuda.Stream(self.device)  # type: ignore[no-untyped-call]
        stream.wait_stream(torch.cuda.current_stream(self.device))
        with torch.cuda.stream(stream):
            losses = self.step(draws.to(self.device))
        torch.cuda.current_stream(self.device).wait_stream(stream)
        return losses
