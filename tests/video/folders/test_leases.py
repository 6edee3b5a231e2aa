"""Leases of pieces: one holder at a time, and none for ever."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from vidsr.video.folders import leases
from vidsr.video.folders.holders import Holder, holder_in
from vidsr.video.folders.leases import age_s, age_seen_s, holder_of, take


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
    path.write_text(json.dumps(dead_here().facts()))
    lease = take(path)
    assert lease is not None
    lease.release()


def dead_here() -> Holder:
    """Return a process of this host that has ended."""
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    holder = Holder.of(child.pid)
    if not holder.kernel:
        pytest.skip("this system does not tell processes apart")
    child.communicate()
    return holder


def test_a_holder_is_what_its_lease_says() -> None:
    this = Holder.this()
    assert holder_in(json.dumps(this.facts())) == this
    assert not this.is_gone()
    assert holder_in('{"host": "a", "process": 1}') == Holder("a", 1)


@pytest.mark.parametrize("change", [{"kernel": "another pid:[1]"}, {"kernel": ""}, {"host": "b"}])
def test_a_number_of_another_container_says_nothing(change: dict[str, str], tmp_path: Path) -> None:
    """Containers share a host name, and each has a process of this number, or none."""
    dead, path = dead_here(), tmp_path / "0.lease"
    assert dead.is_gone()
    path.write_text(json.dumps(dead.facts() | change))
    assert take(path) is None
    os.utime(path, (1, 1))
    (take(path) or pytest.fail("expected a lease, got none")).release()


def test_a_number_given_to_another_process_is_of_one_that_is_gone() -> None:
    dead_here()
    assert replace(Holder.this(), began="1").is_gone()
    assert not replace(Holder.this(), began="").is_gone()


def test_a_process_that_waits_to_be_forgotten_is_gone() -> None:
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    holder = Holder.of(child.pid)
    assert not holder.is_gone()
    if holder.kernel:
        child.kill()
        os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
        assert holder.is_gone()
    child.communicate()


def test_who_was_slow_renews_and_removes_no_lease_of_another(tmp_path: Path) -> None:
    path = tmp_path / "0.lease"
    slow = take(path, stale_s=60) or pytest.fail("expected a lease, got none")
    os.utime(path, (1, 1))
    with take(path, stale_s=60) or pytest.fail("expected a lease, got none"):
        slow.release()
        assert path.exists()


def test_ages_are_seen_where_nothing_can_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(path: Path) -> None:
        raise OSError(errno.EROFS, "Read-only file system")

    path = tmp_path / "0.lease"
    path.touch()
    os.utime(path, (time.time() - 100, time.time() - 100))
    monkeypatch.setattr(leases, "create_plain", refuse)
    with pytest.raises(OSError, match="Read-only"):
        age_s(path)
    assert age_seen_s(path) > 99


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
