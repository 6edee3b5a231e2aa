"""Description of the host, which is stored with every result: CPU, memory, versions and commit."""

from __future__ import annotations

import os
import platform
import subprocess
import time
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from vidsr.bench.worker_task import cores

BUSY = 0.1  # of the cores' time
WATCH_S = 0.5
PACKAGES = ("vidsr", "torch", "av", "numpy", "triton", "tensorrt")


@dataclass(frozen=True)
class Host:
    """Host that was measured on.

    Attributes:
        processor: Name of the CPU.
        cores: Cores that could be used.
        memory_gib: Memory, None if the system does not tell.
        gpu: Name of the GPU that was measured.
        system: Operating system and kind of CPU.
        others: Share of all cores' time that other programs took right before it began.
        versions: Versions of Python and packages.
        commit: Commit of the sources; it ends in ``-dirty`` if files differ.
    """

    processor: str
    cores: int
    memory_gib: float | None
    gpu: str | None
    system: str
    others: float
    versions: dict[str, str]
    commit: str

    def describe(self) -> str:
        """Return a line for people."""
        many = "core" if self.cores == 1 else "cores"
        memory = f", {self.memory_gib:.0f} GiB" if self.memory_gib else ""
        gpu = f", {self.gpu}" if self.gpu else ""
        return f"{self.processor}, {self.cores} {many}{memory}{gpu}"

    @property
    def busy(self) -> bool:
        """Return True if others took so much of the cores that rates mean little."""
        return self.others > BUSY


def others_now() -> float:
    """Return the share of the cores' time that is taken while this program sleeps."""
    before = _busy_and_all()
    if before is None:  # no Linux: the average of a minute, which counts what ended before as well
        return os.getloadavg()[0] / (os.cpu_count() or 1)
    time.sleep(WATCH_S)
    after = _busy_and_all() or before
    return (after[0] - before[0]) / max(1, after[1] - before[1])


def _busy_and_all() -> tuple[int, int] | None:
    """Return ticks of all cores since the start of the system: working, and in all."""
    try:
        line = Path("/proc/stat").read_text().partition("\n")[0]
        ticks = [int(field) for field in line.split()[1:9]]  # user to steal; guests are in user
    except (OSError, ValueError):
        return None
    idle = sum(ticks[3:5])  # idle and waiting for disks
    return sum(ticks) - idle, sum(ticks)


def this_host(gpu: str | None, others: float) -> Host:
    """Describe the host that this program runs on."""
    return Host(
        processor=processor(),
        cores=cores(),
        memory_gib=memory_gib(),
        gpu=gpu,
        system=f"{platform.system()} {platform.machine()}",
        others=others,
        versions={"python": platform.python_version(), **versions()},
        commit=commit(),
    )


def processor() -> str:
    """Return the CPU's own name if the system tells it."""
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
    """Return the versions of those packages that are installed."""
    found = {}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def commit() -> str:
    """Return the commit of the sources that run; "unknown" if they are no repository."""
    here = Path(__file__).resolve().parent
    command = ["git", "describe", "--always", "--dirty", "--abbrev=12"]
    try:
        done = subprocess.run(command, cwd=here, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return done.stdout.strip()
