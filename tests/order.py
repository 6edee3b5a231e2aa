"""The order of tests and of their modules, for workers side by side on few cores.

Tests that wait (for clusters, servers, processes, time-outs) come first: then they are all in one
worker's share, while the others compute. Spread over the folders they met each other, and a fifth
of the cores' time went by.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from functools import cache
from importlib import import_module
from pathlib import Path

import pytest

from tests.paths import ROOT

TESTS = ROOT / "tests"
WAITING = (
    "clusters/",
    "jobs/",
    "live/service/",
    "live/sinks/",
    "live/sources/",
    "live/streams/",
    "live/web/",
    "run/test_crash_safety.py",
    "run/test_growing.py",
    "run/test_pieces.py",
    "upscaling/test_forked.py",
    "terminal/",
    "batch/",
    "cache/",
    "fetching/",
    "servers/",
    "video/addresses/",
    "video/folders/",
    "video/stores/",
    "video/media/",
)
"""Folders and modules by the time for which they wait, longest first."""


def by_waiting(items: list[pytest.Item]) -> None:
    """Sort tests that wait before those that compute; else their order stays."""
    items.sort(key=lambda item: _rank(item.path))


@cache  # there are forty tests to a module, and pathlib takes 0.4 s for all of them
def _rank(path: Path) -> int:
    place = path.relative_to(TESTS).as_posix() if path.is_relative_to(TESTS) else ""
    ranks = (rank for rank, begin in enumerate(WAITING) if place.startswith(begin))
    return next(ranks, len(WAITING))


def import_from(worker: int, workers: int) -> None:
    """Import all modules of tests, each worker beginning with another part of them.

    In a fresh checkout each then finds compiled what the others have begun with: 13 s of CPU for
    one worker, which all would take. What fails fails again where it is collected.
    """
    for name in _rotated(worker, workers):
        with suppress(Exception, pytest.skip.Exception):
            import_module(name)


def _rotated(worker: int, workers: int) -> Iterator[str]:
    paths = sorted(TESTS.rglob("test_*.py"))
    first = len(paths) * worker // workers
    for path in (*paths[first:], *paths[:first]):
        yield ".".join(path.relative_to(ROOT).with_suffix("").parts)
