"""The choice of who makes a run's pieces, from the flags of the command."""

from __future__ import annotations

import argparse
import json
import logging
from dataclasses import asdict, dataclass
from functools import partial
from importlib.util import find_spec
from typing import TYPE_CHECKING, Self

from vidsr.clusters.address import ClusterAddress
from vidsr.clusters.cores import local_orders
from vidsr.errors import OptionError
from vidsr.run.options import RunOptions
from vidsr.terminal.parser import reader

if TYPE_CHECKING:
    from vidsr.clusters.crew import Crew
    from vidsr.run.report import Report
    from vidsr.run.spec import JobSpec
    from vidsr.video.progress import Progress

logger = logging.getLogger("vidsr")
MOST_JOBS = 100_000
PACKAGES = {"ray": "ray", "dask": "distributed"}
DRIVERS = {"ray": "vidsr.clusters.ray_driver", "dask": "vidsr.clusters.dask_driver"}


def add_cluster_options(group: argparse._ArgumentGroup) -> None:
    """Add the flags."""
    group.add_argument(
        "--jobs",
        type=reader(int, f"a whole number of 1 to {MOST_JOBS}", lambda n: 1 <= n <= MOST_JOBS),
        metavar="N",
        help="the workers that share one run (1; one for each GPU)",
    )
    group.add_argument(
        "--cluster", metavar="ADDRESS", help="a cluster instead: ray://HOST:PORT, dask, ..."
    )


@dataclass(frozen=True)
class DriverOrder:
    """What a cluster's program is to know.

    Args:
        place: Where its head is; None for a cluster on this machine.
        folder: The folder of the job, absolute.
        device: The device of the run.
        most: The most workers that there is work for.
        jobs: Workers that were asked for; None for as many as there is room for.
    """

    place: str | None
    folder: str
    device: str
    most: int
    jobs: int | None

    def to_json(self) -> str:
        """Return the order as a JSON object."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Read what ``to_json`` wrote."""
        return cls(**json.loads(text))


@dataclass(frozen=True)
class Choice:
    """Who makes the pieces of a run.

    Args:
        jobs: Workers that were asked for; None where nothing was said.
        cluster: The cluster; None for this machine.
        given: True where the number of workers was typed, False where it follows from devices.
    """

    jobs: int | None = None
    cluster: ClusterAddress | None = None
    given: bool = False

    @classmethod
    def of(cls, arguments: argparse.Namespace, options: RunOptions) -> Self:
        """Return the choice of a parsed command line. Raises OptionError."""
        jobs, cluster = arguments.jobs, arguments.cluster
        address = None if cluster is None else ClusterAddress.of(cluster)
        if address is not None and find_spec(PACKAGES[address.engine]) is None:
            raise OptionError(
                f"`cluster` {cluster}: {PACKAGES[address.engine]} is not installed.",
                hint=f"pip install '.[{address.engine}]' in vidsr's clone, here and on workers.",
            )
        if address is not None and "," in options.device:
            raise OptionError("`device` names several GPUs beside `cluster`: expected one kind.")
        if options.growing and (address is not None or (jobs or 1) > 1):
            raise OptionError("`growing` with several workers: expected one.")
        devices = 1 if options.growing else len(options.device.split(","))
        if jobs is None and address is None and devices > 1:
            return cls(devices)
        return cls(jobs, address, given=jobs is not None)

    def run(self, spec: JobSpec, progress: Progress) -> Report | None:
        """Execute a run by what was chosen.

        Returns:
            The report; None where this process is to do it by itself.

        Raises:
            VidsrError: The run failed; or it is not cut into pieces, for a cluster.
        """
        if self.cluster is None and (self.jobs or 1) == 1:
            return None
        if self.cluster is None and _is_read_once(spec):
            self._note()
            return None
        if self.cluster is not None:
            self.cluster.knock()
        from vidsr.clusters.executor import PiecesExecutor
        from vidsr.jobs.shared_job import NotCutError

        try:
            return PiecesExecutor(partial(self._crew, spec), progress).run(spec)
        except NotCutError:
            if self.cluster is not None:
                raise
            self._note()
            return None

    def _note(self) -> None:
        """Log that one process does it all, where several were asked for."""
        if self.given:
            logger.warning("this run is not cut into pieces: one process makes it, not `jobs`")

    def _crew(self, spec: JobSpec, folder: str, missing: int) -> Crew:
        from vidsr.clusters.crew import EngineCrew, LocalCrew

        device = spec.options.device
        if self.cluster is None:
            assert self.jobs is not None
            return LocalCrew(local_orders(folder, min(self.jobs, missing), device))
        engine = self.cluster.engine
        order = DriverOrder(self.cluster.place, folder, device, missing, self.jobs)
        return EngineCrew(DRIVERS[engine], order.to_json(), str(self.cluster))


def _is_read_once(spec: JobSpec) -> bool:
    """Return True for a source that cannot be opened twice, and is not cut for that."""
    if spec.source.kind != "file":
        return True
    path = spec.source.path
    return path.is_fifo() or path.is_char_device()
