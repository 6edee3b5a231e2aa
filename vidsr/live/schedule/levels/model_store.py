"""Models that all streams of a process share: loaded once, closed by the last that leaves."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from weakref import finalize

from vidsr.notes import Notes
from vidsr.option_values import EngineKind, Precision, Strength
from vidsr.upscaling.upscaler import Upscaler


@dataclass(frozen=True, kw_only=True)
class ModelKey:
    """What makes two streams share a model: the arguments of ``vidsr.Upscaler``."""

    model: str
    device: str = "auto"
    precision: Precision = "auto"
    engine: EngineKind = "auto"
    strength: Strength = "auto"


@dataclass
class _Entry:
    upscaler: Upscaler
    holders: int = 0


@dataclass(eq=False)
class Lease:
    """A model for as long as it is not closed."""

    upscaler: Upscaler
    _give_back: Callable[[], object] = field(repr=False)

    def close(self) -> None:
        """Give the model up. A second call does nothing."""
        self._give_back()


class ModelStore:
    """Models by their key, each with the number of those who use it."""

    def __init__(self, notes: Notes | None = None) -> None:
        self._notes = notes or Notes()
        self._lock = threading.RLock()
        self._entries: dict[ModelKey, _Entry] = {}

    def lease(self, key: ModelKey) -> Lease:
        """Return a model, loaded if nobody uses it yet; who gets it closes the lease.

        Raises:
            VidsrError: It cannot be loaded, or does not run.
        """
        with self._lock:
            entry = self._entries.get(key)
            if entry is None:
                entry = self._entries[key] = _Entry(self._load(key))
            entry.holders += 1
        # The finalizer of the entry's own: it is called once, however often a lease is closed.
        give_back = _Once(lambda: self._release(key))
        lease = Lease(entry.upscaler, give_back)
        finalize(lease, give_back).atexit = False
        return lease

    @property
    def models(self) -> dict[ModelKey, int]:
        """Number of leases of each model that is loaded."""
        with self._lock:
            return {key: entry.holders for key, entry in self._entries.items()}

    def _load(self, key: ModelKey) -> Upscaler:
        return Upscaler(
            key.model,
            device=key.device,
            precision=key.precision,
            engine=key.engine,
            strength=key.strength,
            notes=self._notes,
        )

    def _release(self, key: ModelKey) -> None:
        with self._lock:
            entry = self._entries[key]
            entry.holders -= 1
            if entry.holders:
                return
            del self._entries[key]
        entry.upscaler.close()


class _Once:
    """A function that is called at most once."""

    def __init__(self, call: Callable[[], None]) -> None:
        self._calls = [call]

    def __call__(self) -> None:
        try:
            call = self._calls.pop()
        except IndexError:
            return
        call()
