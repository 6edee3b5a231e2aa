"""The protocol of what takes over from the engine that a run began with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import torch

from vidsr.engines.engine import Engine
from vidsr.engines.selection.switch import Candidate
from vidsr.models.model import Model
from vidsr.option_values import EngineKind, Precision
from vidsr.picture.size import Size


@dataclass(frozen=True)
class Vacancy:
    """A place that a better engine may take: frames of one size, cut into tiles or whole."""

    model: Model
    general: Engine  # runs now, and goes on to run sizes that the other one was not made for
    frame: Size
    tile: Size | None
    precision: Precision


class Follower(Protocol):
    """Maker of engines of one runtime that takes its time.

    Attributes:
        title: Name of the runtime, for people.
    """

    @property
    def title(self) -> str: ...

    def serves(self, kind: EngineKind) -> bool:
        """Return True if it may follow in a run that asks for ``kind``."""
        ...

    def demanded(self, kind: EngineKind) -> bool:
        """Return True if a run that asks for ``kind`` is an error without it."""
        ...

    def check(self) -> None:
        """Raise DeviceError where it is absent."""
        ...

    def may_follow(self, kind: EngineKind, device: torch.device) -> bool:
        """Return True if it is installed and takes over on the device."""
        ...

    def candidate(self, vacancy: Vacancy, say: Callable[[str], None]) -> Candidate:
        """Begin to make the engine, without waiting for it. Raises a VidsrError."""
        ...
