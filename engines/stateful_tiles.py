"""One stream through a stateful engine, its states kept between frames."""

from __future__ import annotations

from dataclasses import replace

from torch import Tensor

from vidsr.engines.engine import DescribedEngine, State, StatefulEngine


class StreamEngine(DescribedEngine):
    """A stateful engine with the states of one stream, as an engine that runs frame by frame.

    Each tile of a frame has a state of its own: tiles come in the same order in every frame, which
    has to have the same size and the same tiles as the one before.
    """

    def __init__(self, engine: StatefulEngine) -> None:
        self.traits = replace(engine.traits, stateful=False, reentrant=False)
        self._engine = engine
        self._states: list[State] = []
        self._tile = 0

    def next_frame(self) -> None:
        """Begin with the first tile again."""
        self._tile = 0

    def run(self, x: Tensor) -> Tensor:
        """See ``Engine.run``; one tile further in the frame and one frame further in its state."""
        if self._tile == len(self._states):
            self._states.append(self._engine.initial_state())
        result, self._states[self._tile] = self._engine.step(x, self._states[self._tile])
        self._tile += 1
        return result

    def reserve(self, room_bytes: int | None) -> None:
        """Limit what the engine keeps beside the states."""
        self._engine.reserve(room_bytes)
