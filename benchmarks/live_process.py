"""What a process of live streams costs and how long it stood still, for the benchmarks of it."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

TICK_S = 0.005
MIB = 1 << 20


@dataclass(frozen=True)
class Footprint:
    """What a process holds at one moment.

    Args:
        at_s: The monotonic clock.
        rss_mib: Its resident memory.
        threads: Its threads.
        descriptors: Its open descriptors.
        children: The processes that it has started and that have not ended.
    """

    at_s: float
    rss_mib: float
    threads: int
    descriptors: int
    children: int


def footprint() -> Footprint:
    """Return what this process holds now."""
    status = Path("/proc/self/status").read_text()
    facts = dict(line.split(":", 1) for line in status.splitlines())
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return Footprint(
        at_s=time.monotonic(),
        rss_mib=round(pages * os.sysconf("SC_PAGE_SIZE") / MIB, 1),
        threads=int(facts["Threads"]),
        descriptors=len(os.listdir("/proc/self/fd")) - 1,
        children=_children(),
    )


def peak_rss_mib() -> float:
    """Return the most memory that this process has held so far."""
    lines = Path("/proc/self/status").read_text().splitlines()
    peak = next(line for line in lines if line.startswith("VmHWM:"))
    return round(int(peak.split()[1]) / 1024, 1)


def _children() -> int:
    found = 0
    for task in Path("/proc/self/task").iterdir():
        try:
            found += len((task / "children").read_text().split())
        except OSError:  # the thread has ended
            continue
    return found


class Ticks:
    """A thread that ticks, and the longest time between two of its ticks.

    What holds the interpreter's lock shows in it, and so does what the machine does besides.
    """

    def __init__(self) -> None:
        self._longest_s = 0.0
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._tick, name="bench-ticks", daemon=True)
        self._thread.start()

    def take_ms(self) -> float:
        """Return the longest time between two ticks since the last call, and begin anew."""
        longest_s, self._longest_s = self._longest_s, 0.0
        return round(1e3 * longest_s, 1)

    def close(self) -> None:
        """End."""
        self._over.set()
        self._thread.join()

    def _tick(self) -> None:
        last_s = time.monotonic()
        while not self._over.wait(TICK_S):
            now_s = time.monotonic()
            self._longest_s = max(self._longest_s, now_s - last_s)
            last_s = now_s


def grown(now: Mapping[str, int], before: Mapping[Any, int]) -> dict[str, int]:
    """Return by how much counters have grown, without those that have not."""
    more = {name: count - before.get(name, 0) for name, count in now.items()}
    return {name: count for name, count in more.items() if count}
