"""Threads that each have their share of PyTorch's own threads."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence

import torch

BEGIN_S = 30.0  # longest wait for threads to begin, on a machine that is very busy


def start_threads(
    tasks: Sequence[Callable[[], None]], name: str, threads_each: int
) -> list[threading.Thread]:
    """Start a thread for each task, in which PyTorch uses ``threads_each`` threads.

    The number that a thread sets for itself is also that of all threads yet to begin. So all begin
    here, and then the number is what it was.
    """
    before = torch.get_num_threads()
    begun = threading.Barrier(len(tasks) + 1)

    def run(task: Callable[[], None]) -> None:
        torch.set_num_threads(threads_each)
        torch.get_num_threads()  # looks the number up, which later would be that of the others
        begun.wait(BEGIN_S)
        task()

    threads = [
        threading.Thread(target=run, args=(task,), name=f"{name}-{index}", daemon=True)
        for index, task in enumerate(tasks)
    ]
    for thread in threads:
        thread.start()
    begun.wait(BEGIN_S)
    torch.set_num_threads(before)
    return threads
