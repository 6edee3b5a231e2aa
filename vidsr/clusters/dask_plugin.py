"""The part of a run that lies in each worker of Dask."""

from __future__ import annotations

import asyncio
import threading
from dataclasses import replace
from typing import Any

import distributed

from vidsr.clusters.messages import Assignment, Event, WorkOrder
from vidsr.clusters.piece_worker import Cancelled, PieceWorker


class PiecePlugin(distributed.WorkerPlugin):  # type: ignore[misc]
    """A plugin that keeps the job open between two pieces.

    Every worker offers one of a resource by the name of the run, of which a piece needs one: so
    each makes one piece at a time, whatever threads it has.
    """

    def __init__(self, order: WorkOrder, name: str) -> None:
        self.name, self._order = name, order

    async def setup(self, worker: Any) -> None:
        """Offer the resource."""
        threads = self._order.threads or worker.state.nthreads
        self._piece_worker = PieceWorker(replace(self._order, threads=threads))
        self._lock = threading.Lock()
        await worker.set_resources(**{self.name: 1})

    async def teardown(self, worker: Any) -> None:
        """Close the job, once the piece that is being made has ended at its next frame."""
        self._piece_worker.cancel()
        await asyncio.to_thread(self._close)

    def _close(self) -> None:
        with self._lock:
            self._piece_worker.close()

    def make(self, given: Assignment) -> Event:
        """Make a piece."""
        with self._lock:
            try:
                return self._piece_worker.make(given)
            except Cancelled:
                return Event("held", given.piece)

    def frames(self) -> Event:
        """Return how many frames are done of the piece that is being made."""
        return self._piece_worker.frames()


def make(given: Assignment, name: str) -> Event:
    """Make a piece in a worker; the task that Dask runs."""
    event: Event = distributed.get_worker().plugins[name].make(given)
    return event


def frames(name: str, dask_worker: Any) -> Event:
    """Return how far a worker is; what Dask runs beside its tasks."""
    plugin = dask_worker.plugins.get(name)
    return Event("frames") if plugin is None else plugin.frames()
