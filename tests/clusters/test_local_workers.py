"""Several processes of this machine make the bytes of one, whoever dies meanwhile."""

from __future__ import annotations

import signal
import threading
import time
from pathlib import Path
from subprocess import PIPE

import pytest

from tests.clusters.shared_run import WORDS, Steps, Whole, folder_of, kill_a_holder, pieces
from tests.doubles.warm import WarmProcess
from tests.makers.clips import make_clip
from vidsr.cli import main
from vidsr.clusters.cores import local_orders
from vidsr.clusters.crew import LocalCrew
from vidsr.clusters.executor import PiecesExecutor
from vidsr.clusters.messages import Assignment, Event, WorkOrder
from vidsr.clusters.piece_worker import PieceWorker
from vidsr.errors import DeviceError
from vidsr.video.sink.target_file import Claim


def executor_of(jobs: int, steps: Steps | None = None) -> PiecesExecutor:
    return PiecesExecutor(
        lambda folder, missing: LocalCrew(local_orders(folder, jobs, "auto")), steps
    )


def test_two_workers_make_the_bytes_of_one_though_one_is_killed(
    whole: Whole, tmp_path: Path
) -> None:
    target = tmp_path / "out.mkv"
    folder = folder_of(target)
    steps = Steps(lambda: kill_a_holder(folder))
    report = executor_of(2, steps).run(whole.spec(target))
    assert not steps.left
    assert target.read_bytes() == whole.target
    assert [*tmp_path.iterdir()] == [target]
    assert report.frames == 48
    assert report.coding_error is not None
    assert sum(report.coding_error.basis.values()) == 48
    assert any("made again" in note for note in report.notes)
    assert steps.seen[-1] == 48


def test_an_interrupted_run_says_how_to_go_on(whole: Whole, tmp_path: Path) -> None:
    target = tmp_path / "out.mkv"
    words = [str(whole.source), "-o", str(target), *WORDS]
    code = "import sys; from vidsr.terminal.start import vidsr; sys.exit(vidsr())"
    folder = folder_of(target)
    with WarmProcess(code, [*words, "--jobs", "2"], stderr=PIPE) as run:
        while not pieces(folder) and run.poll() is None:
            time.sleep(0.02)
        run.send_signal(signal.SIGINT)
        said = run.communicate()[1].decode()
        assert run.returncode == 130, said
    assert f"pieces are kept in {folder}; the same command goes on from there" in said
    assert "Traceback" not in said
    assert pieces(folder)
    assert main([*words, "-q"]) == 0
    assert target.read_bytes() == whole.target


def test_a_run_that_is_not_cut_is_made_by_one(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    source = make_clip(tmp_path / "clip.mp4", size=(32, 24), frames=4).path
    words = [str(source), "-o", str(tmp_path / "out.mp4"), "--model", "lite-fast-x2"]
    assert main([*words, "--jobs", "2"]) == 0
    assert "one process makes it, not `jobs`" in caplog.text
    assert (tmp_path / "out.mp4").exists()


def test_several_inputs_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["a.mp4", "b.mp4", "-o", f"{tmp_path}/", "--jobs", "2"]) == 2
    assert "--jobs with several inputs" in capsys.readouterr().err


def test_a_worker_that_does_not_see_the_folder_says_so(tmp_path: Path) -> None:
    worker = PieceWorker(WorkOrder(str(tmp_path / "out.mkv.vidsr-job")))
    event = worker.make(Assignment(0))
    assert (event.kind, event.error) == ("failed", "OutputError")
    assert "there is no such folder here" in event.message
    assert "under the same names" in event.hint


def test_a_worker_that_cannot_start_ends_the_run(
    whole: Whole, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vidsr.clusters.crew.LOCAL", "vidsr.no_such_module")
    with pytest.raises(DeviceError, match="ended 4 times without a word"):
        executor_of(1).run(whole.spec(tmp_path / "out.mkv"))
    assert [*tmp_path.iterdir()] == []


class Gone:
    """A crew whose head is gone, and whose one worker is at the folder for a moment more."""

    idle = 0

    def __init__(self, folder: str) -> None:
        self._claim = Claim(Path(folder), shared=True)
        self.release = threading.Timer(0.5, self._claim.release)

    def send(self, given: Assignment) -> None:
        raise AssertionError("nobody is idle")

    def events(self, wait_s: float) -> list[Event]:
        self.release.start()
        return [Event("broken", error="DeviceError", message="the head is gone")]

    def close(self) -> None:
        self.release.join(0)


def test_a_run_that_ends_waits_for_its_workers_to_let_go(whole: Whole, tmp_path: Path) -> None:
    target = tmp_path / "out.mkv"
    with pytest.raises(DeviceError, match="the head is gone"):
        PiecesExecutor(lambda folder, missing: Gone(folder)).run(whole.spec(target))
    assert [*tmp_path.iterdir()] == []  # nothing was made, and nobody had the folder any more
