"""The C library's heap, set to keep what it has: a frame's memory is the next frame's memory."""

from __future__ import annotations

import ctypes
import os
import sys
from contextlib import suppress
from functools import cache

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD, M_ARENA_MAX = -1, -3, -8  # of glibc's malloc.h
KEPT_BYTES = 1 << 30
# From here on blocks are the system's: kept, 130 MB ones of a 4K frame left holes that cost up to
# 0.5 GB. PyTorch asks for huge pages (see vidsr/__init__.py), which make them cheap.
LARGE_BYTES = 32 << 20
ARENAS = "MALLOC_ARENA_MAX"
OWN_CHOICE = ("MALLOC_TRIM_THRESHOLD_", "MALLOC_MMAP_THRESHOLD_", "GLIBC_TUNABLES")


@cache
def keep_heap() -> bool:
    """Make glibc keep up to 1 GiB that is free, and take blocks of up to 32 MiB from that.

    Otherwise each layer's output may be new pages from the system, which zeroes them one fault at a
    time, and goes back when it is freed. Whole command on two cores of an EPYC 9005, lite-x2 from
    640x360: 15 000 to 22 000 faults and 40 to 56 ms of system time a frame; so, 20 to 60 faults
    and 3 ms. What is freed stays with the process, whose peak is what it was.

    Holds for the process from then on, so commands call it and the library does not: a program
    that embeds it would no more get its own memory back. Returns True if it was done: not
    elsewhere than on glibc, nor where the environment sets a threshold of its own.
    """
    if not sys.platform.startswith("linux") or any(name in os.environ for name in OWN_CHOICE):
        return False
    try:
        libc = ctypes.CDLL(None)
        libc.gnu_get_libc_version  # noqa: B018 - musl has a mallopt without a meaning
        trims = libc.mallopt(M_TRIM_THRESHOLD, KEPT_BYTES)
        return bool(trims and libc.mallopt(M_MMAP_THRESHOLD, LARGE_BYTES))
    except (OSError, AttributeError):
        return False


def keep_one_heap() -> bool:
    """Do what ``keep_heap`` does, for many runs of one process: with one heap for all threads.

    Each run has threads of its own, to which glibc gives one of several heaps; pictures of other
    sizes leave holes in all of them. A batch of 200 clips of 5 kinds and 4 sizes grew from 245 to
    844 MiB; so, and with ``return_free`` between them, it stays at 300. Returns True if
    it was done.
    """
    if not keep_heap() or ARENAS in os.environ:
        return False
    return bool(ctypes.CDLL(None).mallopt(M_ARENA_MAX, 1))


def return_free() -> None:
    """Return what is free in glibc's heap to the system, after a run that others follow."""
    if sys.platform.startswith("linux"):
        with suppress(OSError, AttributeError):
            ctypes.CDLL(None).malloc_trim(0)
