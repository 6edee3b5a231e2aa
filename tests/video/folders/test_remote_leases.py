"""Leases in an object store: one holder at a time, and none for ever."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.servers.s3 import s3_configured
from vidsr.errors import OutputError
from vidsr.video.folders.holders import Holder
from vidsr.video.folders.remote_leases import ALONE, RemoteLease, RemoteLeases
from vidsr.video.locator import Locator
from vidsr.video.stores.object_store import ObjectStore

STALE_S = 60.0


@pytest.fixture(scope="module")
def bucket() -> Iterator[Any]:
    with s3_configured() as files:
        yield files


@pytest.fixture
def store(bucket: Any, request: pytest.FixtureRequest) -> ObjectStore:
    return ObjectStore(Locator.of(f"s3://films/{request.node.name}"))


def put(store: ObjectStore, name: str, host: str, process: int) -> None:
    store.write(name, json.dumps({"host": host, "process": process}).encode())


def until(true: Callable[[], bool]) -> None:
    """Wait for a state."""
    end = time.monotonic() + 60
    while not true():
        assert time.monotonic() < end
        time.sleep(0.05)


def test_one_of_many_gets_it(store: ObjectStore) -> None:
    def take(_: int) -> RemoteLease | None:
        return RemoteLeases(store).take("000001", STALE_S)

    with ThreadPoolExecutor(8) as pool:
        held = [lease for lease in pool.map(take, range(8)) if lease is not None]
    assert len(held) <= 1  # all may give way to each other, and try again
    lease = held[0] if held else take(0)
    assert lease is not None
    assert take(0) is None
    lease.release()
    lease.release()
    assert not store.entries()


def test_a_dead_process_of_this_host_holds_nothing(store: ObjectStore) -> None:
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    dead = Holder.of(child.pid)
    child.communicate()
    if not dead.kernel:
        pytest.skip("this system does not tell processes apart")
    store.write("000001.0.lease", json.dumps(dead.facts()).encode())
    leases = RemoteLeases(store)
    lease = leases.take("000001", STALE_S)
    assert lease is not None
    assert lease.name == "000001.1.lease"
    state = leases.states(store.entries(), STALE_S)
    assert [(one.stem, one.holder, one.stale) for one in state] == [
        ("000001", Holder.this(), False)
    ]
    lease.release()


def test_leases_are_seen_where_nothing_may_be_written(
    store: ObjectStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(name: str, data: bytes) -> None:
        raise OutputError("s3://films: the store refuses access")

    put(store, "000001.0.lease", "elsewhere", 1)
    monkeypatch.setattr(store, "write", refuse)
    leases = RemoteLeases(store)
    with pytest.raises(OutputError):
        leases.now_s()
    assert [one.stem for one in leases.states(store.entries(), STALE_S)] == ["000001"]


def test_a_silent_host_loses_it_after_a_while(store: ObjectStore) -> None:
    put(store, "000001.0.lease", "elsewhere", 1)
    leases = RemoteLeases(store)
    assert leases.take("000001", STALE_S) is None
    until(lambda: leases.now_s() - store.entry("000001.0.lease").changed_s > 2)
    lease = leases.take("000001", stale_s=2)
    assert lease is not None
    # Who was slow and renews its own takes nothing from whoever came after.
    put(store, "000001.0.lease", "elsewhere", 1)
    lease.release()
    assert [*store.entries()] == ["000001.0.lease"]
    assert leases.take("000001", STALE_S) is None


def test_a_holder_renews(store: ObjectStore) -> None:
    lease = RemoteLeases(store).take("000001", stale_s=1.5)
    assert lease is not None
    begun = store.entry(lease.name).changed_s
    until(lambda: store.entry(lease.name).changed_s > begun)
    lease.release()


def test_one_that_keeps_everybody_out(store: ObjectStore) -> None:
    leases = RemoteLeases(store)
    with leases.take(ALONE, STALE_S) or pytest.fail("expected a lease, got none"):
        assert leases.take("000001", STALE_S) is None
    with leases.take("000001", STALE_S) or pytest.fail("expected a lease, got none"):
        pass
    assert not store.entries()


@pytest.mark.parametrize("data", [b"", b"{}", b"[]", b'{"host": 1, "process": "x"}', b"\xff"])
def test_a_damaged_lease_becomes_stale_like_others(data: bytes, store: ObjectStore) -> None:
    store.write("000001.0.lease", data)
    leases = RemoteLeases(store)
    assert leases.take("000001", STALE_S) is None
    assert leases.holder("000001.0.lease") is None
    assert leases.states(store.entries(), STALE_S) == []


def test_other_objects_are_no_leases(store: ObjectStore) -> None:
    for name in ("000001.lease", "000001.x.lease", "../000001.0.lease", "a/000001.0.lease"):
        store.write(name, b"{}")
    lease = RemoteLeases(store).take("000001", STALE_S)
    assert lease is not None
    lease.release()


def test_a_store_without_conditions_is_known() -> None:
    with s3_configured("--plain"):
        store = ObjectStore(Locator.of("s3://films/job"))
        leases = RemoteLeases(store)
        leases.probe()
        assert not leases.exclusive

        def take(_: int) -> RemoteLease | None:
            own = RemoteLeases(store)
            own.exclusive = False
            return own.take("000001", STALE_S)

        with ThreadPoolExecutor(4) as pool:
            held = [lease for lease in pool.map(take, range(4)) if lease is not None]
        assert len(held) <= 1  # here: the last writer is known after a second
        for lease in held:
            lease.release()


def test_the_probe_leaves_nothing(store: ObjectStore) -> None:
    leases = RemoteLeases(store)
    leases.probe()
    assert leases.exclusive
    assert not store.entries()
