"""The program that has pieces made on a cluster of Ray: an actor for each worker."""

from __future__ import annotations

import logging
import os
import queue
import time
import uuid
from dataclasses import dataclass, field
from typing import Any

from vidsr.clusters.address import HINTS
from vidsr.clusters.choice import DriverOrder
from vidsr.clusters.messages import Assignment, Event, WorkOrder
from vidsr.clusters.piece_worker import PieceWorker
from vidsr.clusters.resources import Share, ray_share
from vidsr.clusters.wire import Wire, argument, open_wire, say_broken

LOOK_S = 0.2  # between two looks at what is done
COUNT_S = 1.0  # between two questions for frames, and for new nodes


@dataclass
class _Worker:
    """An actor: what it was asked for, by the references of the answers."""

    actor: Any
    ready: Any = None
    is_ready: bool = False
    given: Assignment | None = None
    answer: Any = None
    count: Any = None
    by: str = ""


@dataclass
class RayWorkers:
    """The actors of one run.

    Args:
        ray: The library, connected.
        order: The order of the run.
        wire: The line to the run.
    """

    ray: Any
    order: DriverOrder
    wire: Wire
    workers: list[_Worker] = field(default_factory=list)
    room: int = -1

    def grow(self) -> None:
        """Make actors for what the cluster has now."""
        share = ray_share(self.ray.nodes(), self.order.device, self.order.jobs)
        for _ in range(min(share.workers, self.order.most) - len(self.workers)):
            self.workers.append(self._start(share))

    def _start(self, share: Share) -> _Worker:
        order = WorkOrder(self.order.folder, None, share.threads, share.memory)
        actor = (
            self.ray.remote(PieceWorker)
            .options(
                name=f"vidsr-{uuid.uuid4().hex[:12]}",
                namespace="vidsr",
                num_cpus=share.cpus,
                num_gpus=share.gpus,
                max_restarts=-1,
                max_task_retries=0,  # a piece that was lost is given out again by the run
                max_concurrency=2,  # of a piece and a question for its frames
                scheduling_strategy="SPREAD",
            )
            .remote(order)
        )
        return _Worker(actor, actor.ready.remote())

    def look(self) -> None:
        """Take what has been answered, and tell of it."""
        refs = [ref for w in self.workers for ref in (w.ready, w.answer, w.count) if ref]
        if not refs:
            time.sleep(LOOK_S)
            return
        done, _ = self.ray.wait(refs, num_returns=len(refs), timeout=LOOK_S)
        for worker in list(self.workers):
            self._look_at(worker, set(done))
        self._tell_room()

    def _look_at(self, worker: _Worker, done: set[Any]) -> None:
        exceptions = self.ray.exceptions
        try:
            if worker.ready in done:
                ref, worker.ready = worker.ready, None
                worker.by, worker.is_ready = self.ray.get(ref), True
            if worker.count in done:
                ref, worker.count = worker.count, None
                self.wire.tell(self.ray.get(ref))
            if worker.answer in done:
                made = self.ray.get(worker.answer)  # or it was lost, with what was given
                worker.answer = worker.given = None
                self.wire.tell(made)
        except exceptions.ActorDiedError as error:
            self._lost(worker, error)
            self.workers.remove(worker)  # it is not restarted: ``grow`` makes another
        except exceptions.RayError as error:
            self._lost(worker, error)
            if worker in self.workers:
                worker.ready = worker.actor.ready.remote()

    def _lost(self, worker: _Worker, error: Exception) -> None:
        """Tell of the piece of an actor that has ended, if it had one."""
        given, worker.given = worker.given, None
        worker.ready = worker.answer = worker.count = None
        was_ready, worker.is_ready = worker.is_ready, False
        if given is not None:
            self.wire.tell(Event("lost", given.piece, by=worker.by))
        elif not was_ready and "ModuleNotFoundError" in str(error):
            say_broken(
                self.wire,
                f"a worker cannot import what it needs: {_last_line(error)}",
                "install the same vidsr on every node.",
            )

    def _tell_room(self) -> None:
        room = sum(worker.is_ready for worker in self.workers)
        if room != self.room:
            self.room = room
            self.wire.tell(Event("room", count=room))

    def give(self, given: Assignment) -> None:
        """Have a piece made."""
        idle = (w for w in self.workers if w.is_ready and w.given is None)
        worker = next(idle, None)
        if worker is None:  # it has just been lost
            self.wire.tell(Event("held", given.piece))
            return
        worker.given = given
        worker.answer = worker.actor.make.remote(given)

    def ask_for_frames(self) -> None:
        """Ask every actor at work how far it is."""
        for worker in self.workers:
            if worker.answer is not None and worker.count is None:
                worker.count = worker.actor.frames.remote()

    def end(self) -> None:
        """End all actors, whatever they are at."""
        for worker in self.workers:
            self.ray.kill(worker.actor)


def _last_line(error: Exception) -> str:
    return next(reversed([line for line in str(error).splitlines() if line.strip()]), "").strip()


def connect(order: DriverOrder) -> Any:
    """Return Ray, connected to the cluster. Raises what Ray raises."""
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    import ray

    ray.init(
        address=order.place,
        namespace="vidsr",
        log_to_driver=False,
        logging_level=logging.ERROR,
        **({} if order.place else {"include_dashboard": False}),
    )
    return ray


def serve(wire: Wire, order: DriverOrder) -> None:
    """Have pieces made until the run ends."""
    try:
        ray = connect(order)
    except Exception as error:  # RuntimeError, ConnectionError, ValueError: as versions have it
        say_broken(wire, *explained(order, error), kind="DeviceError")
        return
    workers = RayWorkers(ray, order, wire)
    counted_s = 0.0
    while True:
        if time.monotonic() - counted_s > COUNT_S:
            counted_s = time.monotonic()
            workers.grow()
            workers.ask_for_frames()
        try:
            while True:
                given = wire.given.get_nowait()
                if given is None:
                    workers.end()
                    ray.shutdown()
                    return
                workers.give(given)
        except queue.Empty:
            workers.look()


def explained(order: DriverOrder, error: Exception) -> tuple[str, str]:
    """Return message and hint for a cluster that cannot be reached."""
    where, said = order.place or "this machine", " ".join(str(error).split())
    if "ersion mismatch" in said:
        return f"ray at {where}: {said[:300]}", "install the same Ray and Python everywhere."
    return f"ray at {where}: no head answers: {said[:200]}", HINTS["ray"]


def main() -> None:
    """Run the program."""
    wire = open_wire()
    order = DriverOrder.from_json(argument())
    try:
        serve(wire, order)
    except Exception as error:
        say_broken(wire, f"ray: {_last_line(error)[:300]}", kind="DeviceError")
    os._exit(0)  # threads of a connection to a head that is gone would wait for it


if __name__ == "__main__":
    main()
