"""What a frame leaves for the one after it: its source, its engine and its result."""

from __future__ import annotations

from concurrent.futures import Future
from concurrent.futures import TimeoutError as TooLong
from contextlib import suppress
from dataclasses import dataclass

from torch import Tensor

from vidsr.engines.engine import Engine

# A frame that was prepared and never begun, as after an interrupt, decides on no engine.
DECISION_S = 60.0


@dataclass(frozen=True)
class Canvas:
    """Result of the network for a whole frame, handed on from frame to frame and patched.

    Attributes:
        x: What the network saw, ``[1, C, h, w]``.
        picture: What became of it, ``[..., h * g, w * g]``.
    """

    x: Tensor
    picture: Tensor


class Link:
    """Promise of a frame to the next one, which may be in work in another thread already.

    Args:
        seen: Copy of the samples that the network's result depends on, ``[..., h, w]``.
    """

    def __init__(self, seen: Tensor) -> None:
        self.seen = seen
        self._engine: Future[Engine | None] = Future()
        self._canvas: Future[Canvas | None] = Future()

    def decide(self, engine: Engine) -> None:
        """Tell which engine runs the frame."""
        self._engine.set_result(engine)

    def hand_on(self, canvas: Canvas) -> None:
        """Give the result away, to be patched by whoever takes it."""
        self._canvas.set_result(canvas)

    def close(self) -> None:
        """Give nothing where nothing was given: the frame failed, or went another way."""
        for future in (self._engine, self._canvas):
            if not future.done():
                future.set_result(None)

    @property
    def engine(self) -> Engine | None:
        """Engine that runs the frame, waited for; None where none does."""
        with suppress(TooLong):
            return self._engine.result(DECISION_S)
        return None

    def take(self) -> Canvas | None:
        """Wait for the result and take it over; None where there is none."""
        return self._canvas.result()
