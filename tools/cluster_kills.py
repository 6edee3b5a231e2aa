"""Runs on clusters of which parts are killed at random, and whether their targets are right.

    python tools/cluster_kills.py --engine ray --runs 10
    python tools/cluster_kills.py --engine dask --runs 10

Each run has a cluster of its own on this machine. Processes that make a piece are killed at random
moments; every third run loses its head as well, ends with an error and goes on with the plain
command. The target must be the same to the byte as that of a run that nobody disturbed.
"""

from __future__ import annotations

import argparse
import logging
import os
import random
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.clusters.shared_run import Steps, Whole, folder_of, kill_a_holder, make_whole, pieces
from vidsr.clusters.choice import Choice
from vidsr.errors import DeviceError
from vidsr.run.executor import LocalExecutor

if TYPE_CHECKING:
    from tests.clusters.dask_processes import Dask
    from tests.clusters.ray_nodes import TwoNodes


def start(engine: str, folder: Path) -> TwoNodes | Dask:
    """Return a new cluster."""
    if engine == "ray":
        from tests.clusters.ray_nodes import SETTINGS, TwoNodes

        os.environ.update(SETTINGS)
        return TwoNodes()
    from tests.clusters.dask_processes import Dask

    return Dask(folder)


class Killer:
    """A step that kills a worker at a random moment, and counts.

    Args:
        folder: The folder of the job.
        rng: A source of random numbers.
    """

    def __init__(self, folder: Path, rng: random.Random) -> None:
        self._folder, self._rng = folder, rng
        self._due_s = time.monotonic() + rng.uniform(0, 2)
        self.kills = 0

    def __call__(self) -> bool:
        """Kill one if it is time; return True for a kill."""
        if time.monotonic() < self._due_s or not kill_a_holder(self._folder):
            return False
        self.kills += 1
        return True


def one(engine: str, number: int, whole: Whole, folder: Path) -> tuple[bool, int, bool]:
    """Return whether a target was right, how many processes were killed, and whether a head was."""
    rng, target = random.Random(number), folder / "out.mkv"
    killer = Killer(folder_of(target), rng)
    cluster = start(engine, folder)
    headless = number % 3 == 2
    steps: list[Callable[[], bool]] = [killer]
    steps += [killer] * (rng.random() < 0.5 and engine == "dask")
    done = rng.randrange(1, 8)
    if headless:
        steps = [killer, lambda: pieces(folder_of(target)) >= done and cluster.stop_head()]
    try:
        Choice(None, cluster.address).run(whole.spec(target), Steps(*steps))
    except DeviceError as error:
        print(f"  {error}", file=sys.stderr)
        LocalExecutor().run(whole.spec(target))
    finally:
        cluster.close()
    return target.read_bytes() == whole.target, killer.kills, headless


def main() -> int:
    """Run the program; the exit status is 1 where a target was wrong."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--engine", choices=("ray", "dask"), required=True)
    parser.add_argument("--runs", type=int, default=10)
    arguments = parser.parse_args()
    logging.getLogger("vidsr").setLevel(logging.ERROR)
    right = kills = heads = 0
    with tempfile.TemporaryDirectory(prefix="vidsr-kills-") as name:
        whole = make_whole(Path(name))
        for number in range(arguments.runs):
            folder = Path(name) / f"{number}"
            folder.mkdir()
            begin_s = time.monotonic()
            equal, killed, headless = one(arguments.engine, number, whole, folder)
            right, kills, heads = right + equal, kills + killed, heads + headless
            took_s = time.monotonic() - begin_s
            word = "equal" if equal else "DIFFERS"
            print(f"{number}: {word}, {killed} killed, {took_s:.0f} s", flush=True)
    print(f"{arguments.engine}: {right} of {arguments.runs} equal, {kills} workers, {heads} heads")
    return 0 if right == arguments.runs else 1


if __name__ == "__main__":
    sys.exit(main())
