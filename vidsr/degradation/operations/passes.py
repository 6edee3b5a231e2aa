"""Degradations that run over a video one frame at a time, whatever its length.

A pass takes ``[1, 3, H, W]`` frames in order and gives as many back, some of them later. Frames are
worked on one by one, so that neither chunks nor batches change a bit of the result.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import Protocol

import torch
from torch import Tensor

from vidsr.picture.size import Size


class Pass(Protocol):
    """One degradation of a stream of frames."""

    def push(self, frame: Tensor) -> list[Tensor]: ...
    def finish(self) -> list[Tensor]: ...


@dataclass(frozen=True)
class Each:
    """Pass made of a function of one frame."""

    function: Callable[[Tensor], Tensor]

    def push(self, frame: Tensor) -> list[Tensor]:
        return [self.function(frame)]

    def finish(self) -> list[Tensor]:
        return []


class WithPrevious:
    """Pass made of a function of one frame and the one before; the first is its own predecessor."""

    def __init__(self, function: Callable[[Tensor, Tensor], Tensor], *, output: bool) -> None:
        """Take the last result as predecessor if ``output``, else the last frame as it came."""
        self._function, self._output = function, output
        self._previous: Tensor | None = None

    def push(self, frame: Tensor) -> list[Tensor]:
        shown = self._function(frame, frame if self._previous is None else self._previous)
        self._previous = shown if self._output else frame
        return [shown]

    def finish(self) -> list[Tensor]:
        return []


def run_through(line: Pass, clip: Tensor) -> list[Tensor]:
    """Push the frames of ``[T, 3, H, W]`` one by one; return all that comes out."""
    frames = [out for i in range(len(clip)) for out in line.push(clip[i : i + 1])]
    return frames + line.finish()


class Line:
    """Passes one after another; values are brought back into [0, 1] between them."""

    def __init__(self, passes: list[Pass]) -> None:
        self._passes = passes

    def push(self, frame: Tensor) -> list[Tensor]:
        return self._through([frame], 0)

    def finish(self) -> list[Tensor]:
        frames = []
        for number, each in enumerate(self._passes, 1):
            frames += self._through(each.finish(), number)
        return frames

    def _through(self, frames: list[Tensor], first: int) -> list[Tensor]:
        for each in self._passes[first:]:
            frames = [out.clamp(0, 1) for frame in frames for out in each.push(frame)]
        return frames


@dataclass(frozen=True)
class Scene:
    """Surroundings of a pass; ``rate`` is frames a second."""

    size: Size
    lr_size: Size
    seed: int
    rate: Fraction = Fraction(25)
    device: str = "cpu"

    @property
    def lr_px(self) -> float:
        """Return how many pixels of the present picture one pixel of the final one is."""
        return self.size.width / self.lr_size.width

    @property
    def generator(self) -> torch.Generator:
        """Return a new generator in its first state."""
        return torch.Generator(self.device).manual_seed(self.seed)
