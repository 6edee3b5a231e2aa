"""A container's limit of memory counts as the machine's, in both versions of control groups."""

from __future__ import annotations

from pathlib import Path

import pytest

from vidsr.upscaling.machine_memory import free_bytes

GIB = 1 << 30
MEMINFO = f"MemTotal: {64 << 20} kB\nMemAvailable: {32 << 20} kB\n"
V1 = "11:cpu,cpuacct:/x\n4:memory:{path}\n1:name=systemd:/x\n"


def machine(root: Path, files: dict[str, object]) -> int | None:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{text}\n")
    return free_bytes(root)


@pytest.mark.parametrize(
    ("files", "left"),
    [
        ({}, 32 * GIB),
        ({"proc/self/cgroup": "0::/"}, 32 * GIB),
        # v2: the namespace's root is the container's own group.
        ({"proc/self/cgroup": "0::/", "sys/fs/cgroup/memory.max": 2 * GIB}, 2 * GIB),
        (
            {
                "proc/self/cgroup": "0::/",
                "sys/fs/cgroup/memory.max": 2 * GIB,
                "sys/fs/cgroup/memory.current": GIB,
                "sys/fs/cgroup/memory.stat": f"anon 5\ninactive_file {GIB // 4}\nslab 1",
            },
            GIB + GIB // 4,
        ),
        ({"proc/self/cgroup": "0::/", "sys/fs/cgroup/memory.max": "max"}, 32 * GIB),
        # v2 without a namespace: any group around the process may be the tightest.
        (
            {
                "proc/self/cgroup": "0::/system.slice/docker-1.scope",
                "sys/fs/cgroup/system.slice/docker-1.scope/memory.max": 8 * GIB,
                "sys/fs/cgroup/system.slice/memory.max": 3 * GIB,
            },
            3 * GIB,
        ),
        (
            {
                "proc/self/cgroup": "0::/a/b",
                "sys/fs/cgroup/a/b/memory.max": GIB,
                "sys/fs/cgroup/a/memory.max": "max",
            },
            GIB,
        ),
        # v1, with the group's path, and with only the innermost group mounted.
        (
            {
                "proc/self/cgroup": V1.format(path="/docker/abc"),
                "sys/fs/cgroup/memory/docker/abc/memory.limit_in_bytes": 4 * GIB,
                "sys/fs/cgroup/memory/docker/abc/memory.usage_in_bytes": GIB,
                "sys/fs/cgroup/memory/docker/abc/memory.stat": "cache 1\ntotal_inactive_file 4096",
                "sys/fs/cgroup/memory/memory.limit_in_bytes": 9223372036854771712,
            },
            3 * GIB + 4096,
        ),
        (
            {
                "proc/self/cgroup": V1.format(path="/docker/abc"),
                "sys/fs/cgroup/memory/memory.limit_in_bytes": 512 << 20,
                "sys/fs/cgroup/memory/memory.usage_in_bytes": 12 << 20,
            },
            500 << 20,
        ),
        ({"proc/self/cgroup": V1.format(path="/")}, 32 * GIB),
        # Both versions at once: systemd's hybrid mode.
        (
            {
                "proc/self/cgroup": V1.format(path="/m") + "0::/u\n",
                "sys/fs/cgroup/memory/m/memory.limit_in_bytes": 5 * GIB,
            },
            5 * GIB,
        ),
        # Beyond its limit already.
        (
            {
                "proc/self/cgroup": "0::/",
                "sys/fs/cgroup/memory.max": GIB,
                "sys/fs/cgroup/memory.current": 2 * GIB,
            },
            0,
        ),
        ({"proc/self/cgroup": "nonsense", "sys/fs/cgroup/memory.max": GIB}, 32 * GIB),
    ],
)
def test_the_tightest_limit_counts(files: dict[str, object], left: int, tmp_path: Path) -> None:
    assert machine(tmp_path, {"proc/meminfo": MEMINFO, **files}) == left


def test_where_nothing_tells_nothing_is_known(tmp_path: Path) -> None:
    assert free_bytes(tmp_path) is None


def test_here_there_is_some() -> None:
    left = free_bytes()
    assert left is None or left > 0
