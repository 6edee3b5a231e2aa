"""What one film takes on up to a thousand machines: the real dispatcher, on virtual time.

    python benchmarks/many_machines.py                       # simulates, with the costs below
    python benchmarks/many_machines.py --measure             # measures costs here, and prints them
    python benchmarks/many_machines.py --json NAME.json

A film of two hours, 1080p to 2160p at 24 frames a second, on workers of two cores. Pieces are given
out by `vidsr.clusters.dispatch`; workers differ in speed, some are slow, some die. Files lie on one
shared server with a bandwidth of its own, and one process joins all.
"""

from __future__ import annotations

import argparse
import heapq
import itertools
import json
import random
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from vidsr.clusters.dispatch import Dispatch
from vidsr.clusters.messages import Assignment, Event

GIB = 1 << 30
LOOK_S = 5.0  # between two looks of idle workers
COLUMNS = ("workers", "piece", "minutes", "start", "work", "tail", "join", "twice", "busy")


@dataclass(frozen=True)
class Costs:
    """The costs of the parts of a run.

    Args:
        frame_s: Seconds of a worker for a frame: 4.88 frames a second from 1080p to 2160p with
            lite-fast-x2 on two cores, encoding included, as `vidsr-bench --realtime` measured.
        start_s: Seconds until a worker has imported all, and opened the job with its model.
        piece_s: Seconds of a piece beside its frames: source opened and sought, encoder opened and
            drained, file synchronised.
        message_s: Seconds of the dispatching process for a piece: given out, and heard of.
        file_op_s: Seconds of the file server for one operation on a name.
        file_ops: Operations of a piece: its lease, the look whether it is there, its file.
        bandwidth: Bytes a second of the file server.
        join_piece_s: Seconds of joining for a piece.
        join_gib_s: Seconds of joining for a GiB, its check included, from a local disk.
        frame_bytes: Bytes of a coded frame: 40 Mbit a second.
    """

    frame_s: float = 1 / 4.88
    start_s: float = 4.0
    piece_s: float = 1.0
    message_s: float = 0.0005
    file_op_s: float = 0.0005
    file_ops: int = 8
    bandwidth: float = 1.0 * GIB
    join_piece_s: float = 0.001
    join_gib_s: float = 3.0
    frame_bytes: int = 40_000_000 // 8 // 24


@dataclass(frozen=True)
class Scene:
    """One simulated run.

    Args:
        workers: How many there are.
        piece_frames: Frames of a piece.
        frames: Frames of the film.
        spread: The standard deviation of the logarithm of workers' speeds.
        slow: The part of workers that are four times slower.
        deaths: The part of pieces during which the worker dies.
        twice: True to give slow pieces to a second worker.
        seed: Of the random numbers.
    """

    workers: int
    piece_frames: int = 250
    frames: int = 2 * 3600 * 24
    spread: float = 0.1
    slow: float = 0.01
    deaths: float = 0.001
    twice: bool = True
    seed: int = 1

    @property
    def pieces(self) -> int:
        """The number of pieces."""
        return max(1, round(self.frames / self.piece_frames))


@dataclass(frozen=True)
class Outcome:
    """Where the time of a run went, in seconds.

    Args:
        start_s: Until the first worker began.
        work_s: What all pieces take, divided by the workers.
        tail_s: What is lost because workers have nothing to do, or wait for files.
        join_s: Joining.
        lost: Pieces lost with their workers.
        twice: Pieces given to a second worker.
        busy: The part of the workers' time before joining that made pieces which were needed.
    """

    scene: Scene
    start_s: float
    work_s: float
    tail_s: float
    join_s: float
    lost: int
    twice: int
    busy: float

    @property
    def total_s(self) -> float:
        """Seconds from the first process to the target."""
        return self.start_s + self.work_s + self.tail_s + self.join_s

    def row(self) -> dict[str, str]:
        """Return the run as a row of the table."""
        minutes = [self.start_s, self.work_s, self.tail_s, self.join_s]
        words = [f"{seconds / 60:.1f}" for seconds in minutes]
        scene = self.scene
        numbers = [f"{scene.workers}", f"{scene.piece_frames}", f"{self.total_s / 60:.1f}"]
        twice = f"{self.twice}" if scene.twice else "off"
        return dict(
            zip(COLUMNS, [*numbers, *words, twice, f"{100 * self.busy:.0f} %"], strict=True)
        )


class Server:
    """A server that does one thing after the other."""

    def __init__(self) -> None:
        self._free_s = 0.0

    def serve(self, now_s: float, takes_s: float) -> float:
        """Return when a thing is done that is asked for now."""
        self._free_s = max(self._free_s, now_s) + takes_s
        return self._free_s


class Simulation:
    """One run on virtual time."""

    def __init__(self, scene: Scene, costs: Costs) -> None:
        self.scene, self.costs = scene, costs
        self._random = random.Random(scene.seed)
        self._speeds = [self._speed() for _ in range(scene.workers)]
        self._there: set[int] = set()
        there = self._there.__contains__
        self._dispatch = Dispatch(range(scene.pieces), there, twice=scene.twice)
        self._driver, self._names, self._files = Server(), Server(), Server()
        self._queue: list[tuple[float, int, int, Event | None]] = []
        self._numbers = itertools.count()
        self._idle: list[int] = []
        self._needed_s = self._look_s = 0.0

    def _speed(self) -> float:
        slow = 4.0 if self._random.random() < self.scene.slow else 1.0
        return slow * self._random.lognormvariate(0.0, self.scene.spread)

    def run(self) -> Outcome:
        """Return where the time goes."""
        scene, costs, now_s = self.scene, self.costs, 0.0
        for worker in range(scene.workers):
            self._at(costs.start_s, worker, None)
        while not self._dispatch.finished:
            now_s, _, worker, event = heapq.heappop(self._queue)
            self._take(now_s, worker, event)
            self._give(now_s)
        join_s = scene.pieces * costs.join_piece_s
        size = scene.frames * costs.frame_bytes
        join_s += max(size / GIB * costs.join_gib_s, 2 * size / costs.bandwidth)
        work_s = self._needed_s / scene.workers
        tally, tail_s = self._dispatch.tally, now_s - costs.start_s - work_s
        busy = self._needed_s / (scene.workers * now_s)
        return Outcome(scene, costs.start_s, work_s, tail_s, join_s, tally.lost, tally.twice, busy)

    def _at(self, time_s: float, worker: int, event: Event | None) -> None:
        heapq.heappush(self._queue, (time_s, next(self._numbers), worker, event))

    def _take(self, now_s: float, worker: int, event: Event | None) -> None:
        if event is not None:
            if event.kind == "frames":  # all of them: the piece is written now
                size = self.scene.piece_frames * self.costs.frame_bytes
                written_s = self._files.serve(now_s, size / self.costs.bandwidth)
                self._at(written_s, worker, replace(event, kind="made"))
                return
            if event.kind == "made" and event.piece not in self._there:
                self._there.add(event.piece)
                self._needed_s += self._work_s(worker)
            self._dispatch.take(event, now_s)
            if event.kind == "lost":  # it begins anew
                self._at(now_s + self.costs.start_s, worker, None)
                return
        if worker >= 0:
            self._idle.append(worker)

    def _give(self, now_s: float) -> None:
        while self._idle and (given := self._dispatch.next(now_s)) is not None:
            self._begin(now_s, self._idle.pop(), given)
        if self._idle and now_s >= self._look_s:  # what has become slow meanwhile
            self._look_s = now_s + LOOK_S
            self._at(self._look_s, -1, None)

    def _work_s(self, worker: int) -> float:
        costs, frames = self.costs, self.scene.piece_frames
        return self._speeds[worker] * (costs.piece_s + frames * costs.frame_s)

    def _begin(self, now_s: float, worker: int, given: Assignment) -> None:
        costs = self.costs
        began_s = self._names.serve(
            self._driver.serve(now_s, costs.message_s), costs.file_ops * costs.file_op_s
        )
        took_s = self._work_s(worker) * self._random.uniform(0.9, 1.1)
        if self._random.random() < self.scene.deaths:
            lost_s = began_s + took_s * self._random.random()
            self._at(lost_s, worker, Event("lost", given.piece))
            return
        done = Event("frames", given.piece, self.scene.piece_frames)
        self._at(began_s + took_s, worker, done)


def scenes() -> Iterator[Scene]:
    """Yield the runs of the table."""
    for workers in (1, 10, 100, 1000):
        yield Scene(workers)
    for frames in (100, 50, 25):
        yield Scene(1000, frames)
    yield Scene(1000, 100, twice=False)


def table(outcomes: list[Outcome]) -> str:
    """Return the runs as a table in Markdown."""
    lines = [f"| {' | '.join(COLUMNS)} |", f"|{' ---: |' * len(COLUMNS)}"]
    return "\n".join([*lines, *(f"| {' | '.join(o.row().values())} |" for o in outcomes)])


def measured(costs: Costs) -> Costs:
    """Return the costs of this machine, as far as they are of files and processes."""
    from many_machines_costs import dispatch_s, join_costs, lease_s, start_s

    with tempfile.TemporaryDirectory(prefix="vidsr-costs-") as name:
        piece_s, gib_s = join_costs(Path(name))
        operation_s = lease_s(Path(name)) / costs.file_ops
        start = start_s(Path(name))
    return replace(
        costs,
        start_s=start,
        message_s=dispatch_s(),
        file_op_s=operation_s,
        join_piece_s=piece_s,
        join_gib_s=gib_s,
    )


def main() -> int:
    """Run the program and return its exit status."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--measure", action="store_true", help="measure the costs of this machine")
    parser.add_argument("--costs", type=Path, help="a file of --json whose costs are taken")
    parser.add_argument("--json", type=Path, help="a file for costs and runs")
    arguments = parser.parse_args()
    costs = Costs()
    if arguments.costs:
        costs = Costs(**json.loads(arguments.costs.read_text())["costs"])
    if arguments.measure:
        costs = measured(costs)
    print(json.dumps(asdict(costs), indent=1), file=sys.stderr)
    begin_s = time.perf_counter()
    outcomes = [Simulation(scene, costs).run() for scene in scenes()]
    print(f"{time.perf_counter() - begin_s:.1f} s", file=sys.stderr)
    print(table(outcomes))
    if arguments.json:
        record = {"costs": asdict(costs), "runs": [asdict(o) for o in outcomes]}
        arguments.json.write_text(json.dumps(record, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
