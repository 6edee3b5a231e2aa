"""Memory that is free for this process: what the machine has, or what its container leaves.

Linux limits a container's memory by control groups, which ``/proc/meminfo`` says nothing of.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path("/")


@dataclass(frozen=True)
class _Version:
    """Names of one version of control groups."""

    mount: str
    limit: str
    usage: str
    reclaimable: str  # of memory.stat: pages of files, which make way


V2 = _Version("sys/fs/cgroup", "memory.max", "memory.current", "inactive_file")
V1 = _Version(
    "sys/fs/cgroup/memory",
    "memory.limit_in_bytes",
    "memory.usage_in_bytes",
    "total_inactive_file",
)


def free_bytes(root: Path = ROOT) -> int | None:
    """Return the bytes that this process may still take; None where nothing tells.

    Args:
        root: Folder that ``proc`` and ``sys`` lie in.
    """
    known = [free for free in (_of_machine(root), *_of_groups(root)) if free is not None]
    return max(0, min(known)) if known else None


def _of_machine(root: Path) -> int | None:
    match = re.search(r"MemAvailable:\s+(\d+) kB", _text(root / "proc/meminfo"))
    return int(match[1]) * 1024 if match else None


def _of_groups(root: Path) -> Iterator[int]:
    """Yield what each group leaves that this process is in, up to the outermost one."""
    for line in _text(root / "proc/self/cgroup").splitlines():
        number, _, rest = line.partition(":")
        controllers, _, path = rest.partition(":")
        if number == "0" and not controllers:
            yield from _up_from(root / V2.mount, path, V2)
        elif "memory" in controllers.split(","):
            yield from _up_from(root / V1.mount, path, V1)


def _up_from(mount: Path, path: str, version: _Version) -> Iterator[int]:
    """Yield what the group ``path`` leaves, and those around it.

    In a container the path may be the host's, of which only the innermost group is mounted.
    """
    group = mount / path.strip("/")
    while True:
        left = _left(group, version)
        if left is not None:
            yield left
        if group == mount or mount not in group.parents:
            return
        group = group.parent


def _left(group: Path, version: _Version) -> int | None:
    limit, usage = (_number(group / name) for name in (version.limit, version.usage))
    if limit is None:
        return None
    match = re.search(rf"^{version.reclaimable} (\d+)", _text(group / "memory.stat"), re.MULTILINE)
    return limit - (usage or 0) + (int(match[1]) if match else 0)


def _number(path: Path) -> int | None:
    text = _text(path).strip()
    return int(text) if text.isdigit() else None  # "max" is no limit


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
