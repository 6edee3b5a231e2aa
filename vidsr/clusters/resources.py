"""Resources of a cluster's nodes, as workers that run side by side."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

# Of a worker without a GPU: x264 and VP9 run with as many threads in pieces.
CPUS = 4


@dataclass(frozen=True)
class Share:
    """What each worker gets, and how many there are.

    Args:
        workers: Their number.
        cpus: CPUs of each.
        gpus: GPUs of each.
        threads: Threads of the network on a CPU; None for PyTorch's own number.
        memory: The part of a node's memory, more than 0, up to 1.
    """

    workers: int
    cpus: int
    gpus: int
    threads: int | None
    memory: float


def ray_share(nodes: Iterable[Mapping[str, Any]], device: str, jobs: int | None) -> Share:
    """Return the share of a worker on a cluster of Ray.

    Where there are GPUs, each worker has one, and nodes without are left alone: networks give other
    bits in other precisions.

    Args:
        nodes: What ``ray.nodes()`` says.
        device: The device of the run.
        jobs: Workers that were asked for; None for as many as there is room for.
    """
    alive = [node["Resources"] for node in nodes if node["Alive"]]
    cpus = [int(node.get("CPU", 0)) for node in alive]
    gpus = [int(node.get("GPU", 0)) for node in alive]
    if device.startswith("cuda") or (device == "auto" and any(gpus)):
        count = jobs or max(1, sum(gpus))
        pairs = [c // g for c, g in zip(cpus, gpus, strict=True) if g]
        own = max(1, min([CPUS, *pairs]))
        return Share(count, own, 1, None, 1.0)
    own = max(1, min([CPUS, *filter(None, cpus)]))
    room = sum(cpu // own for cpu in cpus)
    largest = max(cpus, default=own)
    return Share(jobs or max(1, room), own, 0, own, min(1.0, own / max(own, largest)))
