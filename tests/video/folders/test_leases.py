"""Leases of pieces: one holder at a time, and none for ever."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from vidsr.video.folders.leases import Holder, age_s, holder_of, take


def test_one_of_many_gets_it(tmp_path: Path) -> None:
    path = tmp_path / "000001.lease"
    with ThreadPoolExecutor(16) as pool:
        leases = [*pool.map(lambda _: take(path), range(16))]
    held = [lease for lease in leases if lease is not None]
    assert len(held) == 1
    assert holder_of(path) == Holder.this()
    held[0].release()
    held[0].release()
    assert not [*tmp_path.iterdir()]


def test_a_dead_process_of_this_host_holds_nothing(tmp_path: Path) -> None:
    path = tmp_path / "0.lease"
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    path.write_text(json.dumps({"host": Holder.this().host, "process": dead.pid}))
    lease = take(path)
    assert lease is not None
    lease.release()


def test_a_silent_host_loses_it_after_a_while(tmp_path: Path) -> None:
    path = tmp_path / "0.lease"
    path.write_text(json.dumps({"host": "elsewhere", "process": 1}))
    assert take(path, stale_s=60) is None
    before = time.time() - 61
    os.utime(path, (before, before))
    assert age_s(path) > 60
    with ThreadPoolExecutor(8) as pool:
        leases = [*pool.map(lambda _: take(path, stale_s=60), range(8))]
    assert sum(lease is not None for lease in leases) == 1
    for lease in leases:
        if lease is not None:
            lease.release()
    assert not [*tmp_path.glob("*.lease")]


def test_a_holder_renews(tmp_path: Path) -> None:
    path = tmp_path / "0.lease"
    with take(path, stale_s=0.3) or pytest.fail("expected a lease, got none"):
        begun = path.stat().st_mtime_ns
        until = time.monotonic() + 60
        while path.stat().st_mtime_ns == begun and time.monotonic() < until:
            time.sleep(0.02)
        assert path.stat().st_mtime_ns > begun
        assert take(path, stale_s=5) is None


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"host": 1, "process": "x"}', "\0"])
def test_a_damaged_lease_becomes_stale_like_others(text: str, tmp_path: Path) -> None:
    path = tmp_path / "0.lease"
    path.write_text(text)
    assert holder_of(path) is None
    assert take(path, stale_s=60) is None
    os.utime(path, (1, 1))
    lease = take(path, stale_s=60)
    assert lease is not None
    lease.release()
