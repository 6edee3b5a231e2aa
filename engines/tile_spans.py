"""One axis of a tile."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Span:
    """One axis of a tile: reads ``[start, stop)``, keeps ``[keep_start, keep_stop)`` of it."""

    start: int
    stop: int
    keep_start: int
    keep_stop: int
