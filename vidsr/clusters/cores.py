"""Cores, devices and memory of one machine, divided among workers."""

from __future__ import annotations

import os

from vidsr.clusters.messages import WorkOrder


def usable_cores() -> int:
    """Return the cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def divided(cores: int, workers: int) -> list[int]:
    """Return the cores of each worker, at least one: no two differ by more than one."""
    least, more = divmod(cores, workers)
    return [max(1, least + (number < more)) for number in range(workers)]


def local_orders(folder: str, jobs: int, device: str) -> list[WorkOrder]:
    """Return the orders of workers on this machine.

    Args:
        folder: The folder of the job.
        jobs: How many there are.
        device: The device of the run; of several each worker has one, in turn.
    """
    devices = [name.strip() for name in device.split(",")]
    threads: list[int | None] = [None] * jobs
    if devices[0] in ("auto", "cpu"):
        threads = [*divided(usable_cores(), jobs)]
    orders = []
    for number in range(jobs):
        own = number % len(devices)
        beside = len(range(own, jobs, len(devices)))
        orders.append(WorkOrder(folder, devices[own], threads[number], 1 / beside))
    return orders
