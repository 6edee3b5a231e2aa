"""Scheduler and models that all streams of a process share."""

from __future__ import annotations

import weakref
from collections.abc import Sequence
from typing import Self

import torch

from vidsr.engines.devices import resolve_devices
from vidsr.live.base.options import QualityOptions
from vidsr.live.base.status import DeviceStatus
from vidsr.live.schedule.levels.level import Level
from vidsr.live.schedule.levels.levels import Levels
from vidsr.live.schedule.levels.model_store import ModelStore
from vidsr.live.schedule.scheduler import Scheduler
from vidsr.live.streams.measures.ticker import Ticker


class Engines:
    """A device with its workers and models, for as many streams as it has time for.

    Args:
        device: ``auto``, ``cpu``, ``cuda`` or ``cuda:N``.
        workers: Frames that are upscaled at once, at least 1; None for one a core on a CPU, and
            for one at a time on a GPU.

    Raises:
        OptionError: A value is out of range.
        DeviceError: The device is not there.
    """

    def __init__(self, device: str = "auto", workers: int | None = None) -> None:
        self.device = device
        devices = resolve_devices(device)
        self.on_gpu = devices[0].type != "cpu"
        self._names = tuple(map(str, devices))
        if workers is None:
            workers = 1 if self.on_gpu else torch.get_num_threads()
        self.workers = workers
        self.scheduler = Scheduler(workers)
        self.ticker = Ticker()
        self.ticker.start()
        self._store = ModelStore()
        # Once: by ``close``, else with the last who knows it, or with the interpreter.
        self._end = weakref.finalize(self, _end, self.scheduler, self.ticker)

    def levels(self, quality: QualityOptions) -> Sequence[Level]:
        """Return the levels of a stream, best first; who gets them closes them.

        Raises:
            VidsrError: A model is unknown, cannot be read or does not run.
        """
        beside = 1 if self.on_gpu else self.workers
        made = Levels.of(quality, self._store, device=self.device, side_by_side=beside)
        return made.levels

    def status(self) -> tuple[DeviceStatus, ...]:
        """Return what the workers have done so far."""
        usage = self.scheduler.usage()
        name = ",".join(self._names)
        return (DeviceStatus(name, sum(usage.busy_s), self.workers, dict(usage.batches)),)

    def close(self) -> None:
        """End the workers. Streams that use them have to be stopped before. May be called twice."""
        self._end()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _end(scheduler: Scheduler, ticker: Ticker) -> None:
    scheduler.stop()
    ticker.stop()
