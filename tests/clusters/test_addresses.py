"""Addresses of clusters, and who makes the pieces of a command line."""

from __future__ import annotations

import argparse
import socket

import pytest

from vidsr.clusters import choice, cores
from vidsr.clusters.address import ClusterAddress
from vidsr.clusters.choice import Choice, DriverOrder
from vidsr.clusters.messages import WorkOrder
from vidsr.clusters.resources import Share, ray_share
from vidsr.errors import DeviceError, OptionError
from vidsr.run.options import RunOptions


@pytest.mark.parametrize(
    ("text", "engine", "place"),
    [
        ("ray", "ray", None),
        ("ray://head:10001", "ray", "ray://head:10001"),
        ("ray:auto", "ray", "auto"),
        ("ray:10.0.0.1:6379", "ray", "10.0.0.1:6379"),
        ("dask", "dask", None),
        ("dask://head:8786", "dask", "tcp://head:8786"),
        ("dask://[::1]:8786", "dask", "tcp://[::1]:8786"),
        ("dask:tls://head:8786", "dask", "tls://head:8786"),
    ],
)
def test_addresses(text: str, engine: str, place: str | None) -> None:
    address = ClusterAddress.of(text)
    assert (address.engine, address.place) == (engine, place)


@pytest.mark.parametrize("text", ["", "spark", "ray://", "ray://head", "ray:", "dask://head:x"])
def test_what_is_no_address(text: str) -> None:
    with pytest.raises(OptionError, match="expected"):
        ClusterAddress.of(text)


@pytest.mark.parametrize("form", ["dask:tls://{}", "dask://{}", "ray://{}", "ray:{}"])
def test_an_address_at_which_nobody_listens_is_one_line(form: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        at = form.format(f"127.0.0.1:{server.getsockname()[1]}")
        ClusterAddress.of(at).knock()
    with pytest.raises(DeviceError, match=r"no head answers: .* Hint: `.* starts one"):
        ClusterAddress.of(at).knock()


def test_what_has_no_port_is_left_to_the_engine() -> None:
    ClusterAddress.of("ray:auto").knock()
    ClusterAddress.of("dask:ucx://head:8786").knock()
    ClusterAddress.of("dask").knock()


def chosen(jobs: int | None = None, cluster: str | None = None, device: str = "auto") -> Choice:
    return Choice.of(argparse.Namespace(jobs=jobs, cluster=cluster), RunOptions(device=device))


def test_a_package_that_is_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(choice, "find_spec", lambda name: None)
    with pytest.raises(OptionError, match=r"distributed is not installed. Hint: .*'\.\[dask\]'"):
        chosen(cluster="dask")


def test_several_gpus_are_as_many_workers() -> None:
    assert chosen(device="cuda:0,cuda:1") == Choice(2)
    assert chosen(jobs=1, device="cuda:0,cuda:1") == Choice(1, given=True)
    assert chosen() == Choice(None)


def test_a_cluster_chooses_its_gpus_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(choice, "find_spec", lambda name: name)
    with pytest.raises(OptionError, match="several GPUs"):
        chosen(cluster="ray", device="cuda:0,cuda:1")


def test_a_growing_target_has_one_worker() -> None:
    arguments = argparse.Namespace(jobs=2, cluster=None)
    with pytest.raises(OptionError, match="growing"):
        Choice.of(arguments, RunOptions(growing=True))
    arguments.jobs = None
    assert Choice.of(arguments, RunOptions(growing=True, device="cuda:0,cuda:1")) == Choice(None)


def test_each_gpu_has_workers_in_turn() -> None:
    orders = cores.local_orders("/job", 3, "cuda:0,cuda:1")
    assert [order.device for order in orders] == ["cuda:0", "cuda:1", "cuda:0"]
    assert [order.share for order in orders] == [0.5, 1.0, 0.5]
    assert {order.threads for order in orders} == {None}


def test_cores_and_memory_are_divided(monkeypatch: pytest.MonkeyPatch) -> None:
    assert cores.divided(8, 3) == [3, 3, 2]
    assert cores.divided(2, 4) == [1, 1, 1, 1]
    monkeypatch.setattr(cores, "usable_cores", lambda: 5)
    orders = cores.local_orders("/job", 2, "auto")
    assert [order.threads for order in orders] == [3, 2]
    assert [order.share for order in orders] == [0.5, 0.5]


def node(cpus: int, gpus: int = 0, alive: bool = True) -> dict[str, object]:
    return {"Alive": alive, "Resources": {"CPU": float(cpus), "GPU": float(gpus)}}


@pytest.mark.parametrize(
    ("nodes", "device", "jobs", "share"),
    [
        ([node(64), node(64)], "auto", None, Share(32, 4, 0, 4, 4 / 64)),
        ([node(2), node(2)], "auto", None, Share(2, 2, 0, 2, 1.0)),
        ([node(16), node(16, alive=False)], "cpu", None, Share(4, 4, 0, 4, 0.25)),
        ([node(32, 8), node(32)], "auto", None, Share(8, 4, 1, None, 1.0)),
        ([node(32, 8)], "cpu", None, Share(8, 4, 0, 4, 4 / 32)),
        ([node(4, 4)], "cuda", None, Share(4, 1, 1, None, 1.0)),
        ([node(8)], "auto", 1, Share(1, 4, 0, 4, 0.5)),
        ([], "auto", None, Share(1, 4, 0, 4, 1.0)),
    ],
)
def test_shares_of_a_cluster(
    nodes: list[dict[str, object]], device: str, jobs: int | None, share: Share
) -> None:
    assert ray_share(nodes, device, jobs) == share


def test_orders_travel_as_json() -> None:
    order = DriverOrder("auto", "/job", "cpu", 12, None)
    assert DriverOrder.from_json(order.to_json()) == order
    work = WorkOrder("/job", "cuda:1", None, 0.5)
    assert WorkOrder.from_json(work.to_json()) == work
