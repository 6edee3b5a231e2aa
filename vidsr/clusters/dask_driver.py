"""The program that has pieces made on a cluster of Dask: a task for each piece."""

from __future__ import annotations

import os
import queue
import time
from dataclasses import replace
from typing import Any

from vidsr.clusters.address import HINTS
from vidsr.clusters.choice import DriverOrder
from vidsr.clusters.cores import divided, usable_cores
from vidsr.clusters.dask_plugin import PiecePlugin, frames, make
from vidsr.clusters.messages import Assignment, Event, WorkOrder
from vidsr.clusters.resources import CPUS
from vidsr.clusters.wire import Wire, argument, open_wire, say_broken

LOOK_S = 0.2
COUNT_S = 1.0
CONNECT_S = 20.0
SILENT_S = 30.0  # of a scheduler, until it is taken for gone
NAME = "vidsr"


class DaskWorkers:
    """The workers of one run.

    Args:
        client: The connection to the scheduler.
        order: The order of the run.
        wire: The line to the run.
        local: The order of each worker.
    """

    def __init__(self, client: Any, order: DriverOrder, wire: Wire, local: WorkOrder) -> None:
        self._client, self._order, self._wire = client, order, wire
        self.name = f"{NAME}-{os.getpid()}-{time.time_ns()}"
        self._client.register_plugin(PiecePlugin(local, self.name), name=self.name)
        self._futures: dict[Any, Assignment] = {}
        self._room, self._sent = -1, 0
        self._heard_s = time.monotonic()

    def give(self, given: Assignment) -> None:
        """Have a piece made."""
        self._sent += 1
        future = self._client.submit(
            make,
            given,
            self.name,
            key=f"{self.name}-{self._sent}-piece-{given.piece}",
            pure=False,
            resources={self.name: 1},
        )
        self._futures[future] = given

    def look(self) -> bool:
        """Take what is done, and tell of it; return False where the scheduler is gone."""
        for future in [future for future in self._futures if future.done()]:
            given = self._futures.pop(future)
            if future.status == "finished":
                self._wire.tell(future.result())
            elif self._client.status == "running" and future.status == "error":
                self._failed(given, future.exception())
            else:
                return False
        return True

    def _failed(self, given: Assignment, error: BaseException) -> None:
        from distributed.scheduler import KilledWorker

        if isinstance(error, KilledWorker):
            self._wire.tell(Event("lost", given.piece))
        elif isinstance(error, ModuleNotFoundError):
            hint = "install the same vidsr on every worker."
            say_broken(self._wire, f"a worker cannot import what it needs: {error}", hint)
        else:
            said = f"piece {given.piece}: {type(error).__name__}: {error}"
            say_broken(self._wire, said[:400])

    def count(self) -> bool:
        """Tell how many workers there are, and how far; return False where nobody answers."""
        try:
            known = self._client.scheduler_info(n_workers=-1)["workers"]
            if self._client.status == "running":
                told = self._client.run(frames, self.name, on_error="ignore")
                self._heard_s = time.monotonic()
                for event in told.values():
                    if event.piece >= 0:
                        self._wire.tell(event)
        except (OSError, TimeoutError, ValueError):
            return time.monotonic() - self._heard_s < SILENT_S
        room = min(len(known), self._order.jobs or len(known))
        if room != self._room:
            self._room = room
            self._wire.tell(Event("room", count=room))
        return time.monotonic() - self._heard_s < SILENT_S

    def end(self) -> None:
        """End what workers are at, at its next frame."""
        self._client.cancel(list(self._futures), force=True)
        self._client.unregister_worker_plugin(self.name)


def connect(order: DriverOrder) -> tuple[Any, WorkOrder]:
    """Return a client and the order of its workers. Raises OSError, TimeoutError, ValueError."""
    import distributed

    work = WorkOrder(order.folder)
    if order.place is not None:
        client = distributed.Client(order.place, timeout=CONNECT_S, set_as_default=False)
        return client, work
    cores = usable_cores()
    count = min(order.most, order.jobs or max(1, cores // CPUS))
    threads = min(divided(cores, count))
    cluster = distributed.LocalCluster(
        n_workers=count, threads_per_worker=1, dashboard_address=None, scheduler_port=0
    )
    client = distributed.Client(cluster, set_as_default=False)
    return client, replace(work, threads=threads, share=1 / count)


def mismatch(client: Any) -> str:
    """Return what differs between here, the scheduler and the workers; "" where nothing does."""
    seen = client.get_versions()
    here = seen["client"]
    others = {"the scheduler": seen["scheduler"], **seen["workers"]}
    for where, there in others.items():
        for part, name in (("host", "python"), ("packages", "distributed")):
            ours, theirs = here[part].get(name), (there or here)[part].get(name)
            if not _alike(name, ours, theirs):
                return f"{name} {theirs} at {where}, {ours} here"
    return ""


def _alike(name: str, ours: str, theirs: str) -> bool:
    if name != "python":
        return ours == theirs
    return str(ours).split(".")[:2] == str(theirs).split(".")[:2]


def serve(wire: Wire, order: DriverOrder) -> None:
    """Have pieces made until the run ends."""
    where = order.place or "this machine"
    try:
        client, local = connect(order)
        found = mismatch(client)
    except (OSError, TimeoutError, ValueError) as error:
        said = " ".join(str(error).split())[:200]
        say_broken(wire, f"dask at {where}: no head answers: {said}", HINTS["dask"], "DeviceError")
        return
    if found:
        hint = "install the same Python and Dask everywhere."
        say_broken(wire, f"dask at {where}: version mismatch: {found}", hint, "DeviceError")
        return
    workers = DaskWorkers(client, order, wire, local)
    try:
        if _serve(wire, workers):
            workers.end()
            client.close()
            return
    except (OSError, TimeoutError):  # of a connection that is gone
        pass
    said = f"dask at {where}: the head is gone"
    say_broken(wire, said, "the same command goes on once it is back.", "DeviceError")


def _serve(wire: Wire, workers: DaskWorkers) -> bool:
    """Have pieces made; return True once the run has ended, False where the head is gone."""
    counted_s = 0.0
    while True:
        if time.monotonic() - counted_s > COUNT_S:
            if not workers.count():
                return False
            counted_s = time.monotonic()
        try:
            given = wire.given.get(timeout=LOOK_S)
            if given is None:
                return True
            workers.give(given)
        except queue.Empty:
            if not workers.look():
                return False


def main() -> None:
    """Run the program."""
    wire = open_wire()
    order = DriverOrder.from_json(argument())
    try:
        serve(wire, order)
    except Exception as error:
        said = " ".join(f"{type(error).__name__}: {error}".split())[:300]
        say_broken(wire, f"dask at {order.place or 'this machine'}: {said}", kind="DeviceError")
    os._exit(0)  # threads of a connection to a head that is gone would wait for it


if __name__ == "__main__":
    main()
