"""Guard of processes that were forked from one whose PyTorch threads have begun to work.

Those threads do not exist in the child, which would wait for them for ever: measured with
PyTorch 2 and OpenMP on Linux, where even a model that was only loaded before the fork hangs.
"""

from __future__ import annotations

import os

import torch

from vidsr.errors import DeviceError

_USED_BY: set[int] = set()  # of the process by nature: a fork copies it, and that is the point


def mark_used() -> None:
    """Remember that this process has begun to compute with several threads."""
    if torch.get_num_threads() > 1:
        _USED_BY.add(os.getpid())


def check_not_forked() -> None:
    """Raise DeviceError in a child whose parent computed with threads that the child lacks."""
    if _USED_BY and os.getpid() not in _USED_BY and torch.get_num_threads() > 1:
        raise DeviceError(
            "this process was forked from one that had used vidsr: PyTorch's threads are gone.",
            hint="start it by 'spawn' or 'forkserver', or call torch.set_num_threads(1) in it.",
        )
