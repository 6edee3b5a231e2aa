"""Models that are loaded once for all runs of a batch."""

from __future__ import annotations

import logging
from dataclasses import replace
from types import TracebackType
from typing import Self

from vidsr.engines.devices import resolve_devices
from vidsr.engines.engine import Engine
from vidsr.notes import Notes
from vidsr.run.job import make_upscaler
from vidsr.run.options import RunOptions
from vidsr.upscaling.engine_pool import EnginePool
from vidsr.upscaling.upscaler import Upscaler
from vidsr.video.info import SourceInfo

KEPT_ON_CPU = 2  # of scale 2 and 4, which sources of several sizes need for one height
Key = tuple[RunOptions, int | None, tuple[int, int] | None]


class PassedNotes(Notes):
    """Notes of engines, passed on to the run that uses them now."""

    def __init__(self, run: Notes) -> None:
        super().__init__()
        self._run = run

    def belong_to(self, run: Notes) -> None:
        """Pass on to another run, which gets what was said when the engines were made."""
        self._run = run
        for text in self.said:
            run.remember(text)

    def _record(self, text: str, level: int) -> None:
        self.remember(text)
        (self._run.say if level >= logging.WARNING else self._run.choose)(text)


class SharedEngines:
    """The giver of engines to runs that come one after the other.

    On a CPU an engine takes pictures of every size. On a GPU one is made for each size: what
    TensorRT builds fits one.
    """

    def __init__(self) -> None:
        self._kept: dict[Key, tuple[Upscaler, PassedNotes]] = {}
        self._first: dict[Key, Engine] = {}

    def pool(
        self, options: RunOptions, scale: int | None, info: SourceInfo, notes: Notes
    ) -> EnginePool | None:
        """Return the engines for a run, which are made if no run before had such."""
        on_cpu = resolve_devices(options.device)[0].type == "cpu"
        wishes = replace(options, overwrite=False)  # of one target, not of an engine
        key = wishes, scale, None if on_cpu else (info.format.width, info.format.height)
        if on_cpu and key in self._kept and self._kept[key][0].engine is not self._first[key]:
            self._kept.pop(key)[0].close()  # another one took over; a run begins with the first
        if key not in self._kept:
            self._make_room(KEPT_ON_CPU if on_cpu else 1)
            passed = PassedNotes(notes)
            self._kept[key] = make_upscaler(options, scale, info, passed), passed
            self._first[key] = self._kept[key][0].engine
        upscaler, passed = self._kept[key]
        passed.belong_to(notes)
        upscaler.pool.strength.count_anew()
        return upscaler.pool

    def _make_room(self, kept: int) -> None:
        while len(self._kept) >= kept:
            key = next(iter(self._kept))
            self._first.pop(key)
            self._kept.pop(key)[0].close()

    def drop(self) -> None:
        """Give all engines up: one that failed is not used again."""
        self._make_room(1)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.drop()
