"""Where and with what numbers were taken."""

from __future__ import annotations

import os
import platform
import subprocess
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from vidsr.bench.task import cores

BUSY = 0.25  # load average, as a share of the cores
PACKAGES = ("vidsr", "torch", "av", "numpy", "triton", "tensorrt")


@dataclass(frozen=True)
class Machine:
    """``cores`` are those that could be used, ``load_average`` what others did before it began.

    ``commit`` ends in ``-dirty`` where files differ.
    """

    processor: str
    cores: int
    memory_gib: float | None
    gpu: str | None
    system: str
    load_average: float
    versions: dict[str, str]
    commit: str

    def describe(self) -> str:
        """A line for people."""
        many = "core" if self.cores == 1 else "cores"
        memory = f", {self.memory_gib:.0f} GiB" if self.memory_gib else ""
        gpu = f", {self.gpu}" if self.gpu else ""
        return f"{self.processor}, {self.cores} {many}{memory}{gpu}"

    @property
    def busy(self) -> bool:
        """Whether others took so much of the cores that rates mean little."""
        return self.load_average > BUSY * self.cores


def this_machine(gpu: str | None, load_average: float) -> Machine:
    return Machine(
        processor=processor(),
        cores=cores(),
        memory_gib=memory_gib(),
        gpu=gpu,
        system=f"{platform.system()} {platform.machine()}",
        load_average=load_average,
        versions={"python": platform.python_version(), **versions()},
        commit=commit(),
    )


def processor() -> str:
    """The processor's own name where the system tells it."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def memory_gib() -> float | None:
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30
    except (ValueError, OSError):
        return None


def versions() -> dict[str, str]:
    """Of what is installed."""
    found = {}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def commit() -> str:
    """Of the sources that run; "unknown" where they are no repository."""
    here = Path(__file__).resolve().parent
    command = ["git", "describe", "--always", "--dirty", "--abbrev=12"]
    try:
        done = subprocess.run(command, cwd=here, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return done.stdout.strip()
