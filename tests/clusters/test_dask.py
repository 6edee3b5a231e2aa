"""Dask with two workers: whatever dies, the target is right, or the run can go on."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.clusters.dask_processes import Dask
from tests.clusters.shared_run import WORDS, Steps, Whole, folder_of, kill_a_holder, pieces
from vidsr.cli import main
from vidsr.clusters.address import ClusterAddress
from vidsr.clusters.choice import Choice, DriverOrder
from vidsr.errors import DeviceError, OutputError

pytest.importorskip("distributed", reason="distributed is not installed")
pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]


@pytest.fixture(scope="module")
def dask(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dask]:
    """Yield the cluster; the last test stops its head."""
    made = Dask(tmp_path_factory.mktemp("dask"))
    yield made
    made.close()


def test_a_killed_worker(dask: Dask, whole: Whole, tmp_path: Path) -> None:
    target = tmp_path / "out.mkv"
    folder = folder_of(target)
    steps = Steps(lambda: kill_a_holder(folder))
    report = Choice(None, dask.address).run(whole.spec(target), steps)
    assert report is not None
    assert not steps.left
    assert target.read_bytes() == whole.target
    assert [*tmp_path.iterdir()] == [target]
    assert steps.seen[-1] == report.frames


def test_workers_that_do_not_see_the_folder(
    dask: Dask, whole: Whole, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        DriverOrder,
        "to_json",
        lambda order: json.dumps({**vars(order), "folder": "/elsewhere/out.mkv.vidsr-job"}),
    )
    with pytest.raises(OutputError, match="there is no such folder here"):
        Choice(None, dask.address).run(whole.spec(tmp_path / "out.mkv"), Steps())


def test_a_stopped_scheduler_is_one_line_and_the_run_goes_on(
    dask: Dask, whole: Whole, tmp_path: Path
) -> None:
    target = tmp_path / "out.mkv"
    folder = folder_of(target)
    steps = Steps(lambda: pieces(folder) > 0 and dask.stop_head())
    with pytest.raises(DeviceError, match="the head is gone"):
        Choice(None, dask.address).run(whole.spec(target), steps)
    dask.stop_workers()  # which end by themselves with their frames, sooner or later
    assert pieces(folder)
    assert main([str(whole.source), "-o", str(target), *WORDS, "-q"]) == 0
    assert target.read_bytes() == whole.target


def test_no_head_is_one_line(whole: Whole, tmp_path: Path) -> None:
    with pytest.raises(DeviceError, match=r"no head answers: .* Hint: `dask scheduler`"):
        Choice(None, ClusterAddress("dask", "tcp://127.0.0.1:1")).run(
            whole.spec(tmp_path / "out.mkv"), Steps()
        )
    assert [*tmp_path.iterdir()] == []
