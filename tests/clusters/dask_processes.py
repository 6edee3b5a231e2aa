"""A cluster of Dask on this machine, as processes that can be killed."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

from tests.paths import ROOT
from vidsr.clusters.address import ClusterAddress


class Dask:
    """A scheduler and two workers in processes of their own."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._environment = os.environ | {"PYTHONPATH": str(ROOT)}
        here = ("--host", "127.0.0.1", "--port", "0")
        self.scheduler = self._start("scheduler", *here, "--no-dashboard")
        self.place = self._place()
        self.workers = [self.add_worker() for _ in range(2)]

    def _start(self, program: str, *words: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", f"distributed.cli.dask_{program}", *words],
            env=self._environment,
            cwd=self._folder,
            stderr=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            text=True,
            start_new_session=True,
        )

    def _place(self) -> str:
        assert self.scheduler.stderr is not None
        for line in self.scheduler.stderr:
            if found := re.search(r"Scheduler at:\s+(tcp://\S+)", line):
                return found[1]
        raise AssertionError("no scheduler")

    def add_worker(self) -> subprocess.Popen[str]:
        return self._start("worker", self.place, "--no-dashboard", "--nthreads", "1", "--no-nanny")

    @property
    def address(self) -> ClusterAddress:
        return ClusterAddress("dask", self.place)

    def stop_head(self) -> bool:
        self.scheduler.kill()
        return True

    def stop_workers(self) -> None:
        for process in self.workers:
            process.kill()
            process.wait()

    def close(self) -> None:
        for process in (*self.workers, self.scheduler):
            process.kill()
            process.communicate()
