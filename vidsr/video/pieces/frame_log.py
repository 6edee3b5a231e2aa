"""How the frames of pieces came to be: what codecs had done to them, and the network for each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from vidsr.picture.coding_error import CodingError
from vidsr.picture.coding_record import CodingRecord

Step = Callable[[CodingError | None], int]
"""A function of a frame's expected error that returns the step of the network that takes it."""


@dataclass(frozen=True)
class Origin:
    """What frames were made of.

    Args:
        coding: Expected errors of the frames, as the codec left them.
        strengths: Number of frames by the step of the network, with the keys of JSON.
    """

    coding: CodingRecord = field(default_factory=CodingRecord)
    strengths: dict[str, int] = field(default_factory=dict)

    @classmethod
    def sum(cls, parts: Iterable[Origin]) -> Origin:
        """Return the counts of all parts."""
        coding, strengths = CodingRecord(), Counter[str]()
        for part in parts:
            coding += part.coding
            strengths.update(part.strengths)
        return cls(coding, dict(sorted(strengths.items(), key=lambda entry: int(entry[0]))))


@dataclass(frozen=True)
class Making:
    """How a piece was made.

    Args:
        precision: The numbers of the network.
        engine: The runtime of the network.
        origin: What its frames were made of.
    """

    precision: str = ""
    engine: str = ""
    origin: Origin = field(default_factory=Origin)


class FrameLog:
    """The origins of pieces, counted while their frames are read by one thread.

    Args:
        step: A function that returns the step of the network for a frame.
    """

    def __init__(self, step: Step) -> None:
        self._step = step
        self._pieces: dict[int, tuple[CodingRecord, Counter[str]]] = {}

    def add(self, piece: int, error: CodingError | None) -> None:
        """Count a frame of a piece."""
        coding, strengths = self._pieces.setdefault(piece, (CodingRecord(), Counter()))
        coding.add(error)
        strengths[str(self._step(error))] += 1

    def take(self, piece: int) -> Origin:
        """Return the origin of a piece whose frames have all been read, and forget it."""
        coding, strengths = self._pieces.pop(piece, (CodingRecord(), Counter[str]()))
        return Origin.sum([Origin(coding, dict(strengths))])
