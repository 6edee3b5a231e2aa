"""The end of a child with its parent, however the parent ends."""

from __future__ import annotations

import contextlib
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1


def die_with_parent(parent: int) -> None:
    """Have the kernel kill this process when its parent is gone; leave at once if it is already.

    A child also sees the end of its pipe, but not while it is blocked in a write to its peer.

    Args:
        parent: The parent's number, as it said before the child was started.
    """
    end_with_parent()
    if os.getppid() != parent:
        os._exit(1)


def end_with_parent() -> None:
    """Have the kernel kill this process when its parent is gone, where the kernel can."""
    if sys.platform != "linux":
        return
    import ctypes

    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
