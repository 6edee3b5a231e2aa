"""A job's folder that somebody else has written: nothing leads out of it, hangs or crashes."""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.makers.clips import make_clip
from vidsr.errors import OptionError
from vidsr.jobs.cli import main
from vidsr.jobs.order_checks import check_encoder_options
from vidsr.live.service.cli import main as live

OPTIONS = ["--model", "lite-fast-x2", "--precision", "fp32", "--piece-frames", "3", "-q"]


@pytest.fixture(scope="module")
def planned(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("hostile")
    make_clip(folder / "a.mp4", size=(32, 24), frames=7, gop=6)
    words = ["plan", str(folder / "a.mp4"), "-o", str(folder / "out.mkv"), *OPTIONS]
    assert main(words) == 0
    shutil.copytree(folder / "out.mkv.vidsr-job", folder / "kept")
    return folder


@pytest.fixture
def job(planned: Path) -> Path:
    """Return the folder as it was planned."""
    folder = planned / "out.mkv.vidsr-job"
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(planned / "kept", folder)
    return folder


def edit(job: Path, change: Callable[[Any], None]) -> None:
    order = json.loads((job / "order.json").read_text())
    change(order)
    (job / "order.json").write_text(json.dumps(order))


def test_an_encoder_writes_no_file_of_an_order(
    job: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    written = tmp_path / "evil.yuv"
    option = [f"x264-params=dump-yuv={written}"]
    edit(job, lambda order: order["run"]["options"].update(encoder_option=option))
    (job / "identity.json").unlink()
    assert main(["work", str(job)]) == 4
    assert "encoder_option dump-yuv: names a file" in capsys.readouterr().err
    assert not written.exists()


@pytest.mark.parametrize(
    "pair",
    [
        *("x264-params=keyint=9:stats=a.log:pass=1", "x265-params=csv=a", "x265-params=recon=b"),
        *("passlogfile=a", "stats=/tmp/a", "tune=/etc/passwd", "x264opts=qpfile=a"),
        *("svtav1-params=stats=a", "x265-params=analysis-save=a", "filmgrain-table=x"),
    ],
)
def test_options_that_name_files_are_refused(pair: str) -> None:
    with pytest.raises(OptionError, match="names a file"):
        check_encoder_options([pair])


def test_plain_options_are_taken() -> None:
    check_encoder_options(
        ["tune=film", "g=50", "x264-params=keyint=48:aq-mode=3:deblock=-1,-1:no-scenecut"]
    )
    check_encoder_options(["x265-params=log-level=error:pools=none", "cpu-used=4"])


def test_clean_removes_what_is_of_a_job_alone(
    planned: Path, job: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    foreign = tmp_path / "foreign"
    foreign.mkdir()
    (foreign / "thesis.txt").write_text("precious")
    shutil.copy(job / "order.json", foreign)
    assert main(["clean", str(foreign)]) == 4
    assert (foreign / "thesis.txt").read_text() == "precious"
    (job / "mine.txt").write_text("precious")
    assert main(["clean", str(job)]) == 4
    assert "is not empty" in capsys.readouterr().err
    assert [path.name for path in job.iterdir()] == ["mine.txt"]
    shutil.rmtree(job)
    shutil.copytree(planned / "kept", job)
    assert main(["clean", str(job)]) == 0
    assert not job.exists()


@pytest.mark.parametrize(
    "order", [b"", b"\0\1", b"{}", b'{"run": 3}', b"[" * 9999, b" " * (1 << 21), None, "folder"]
)
def test_clean_removes_a_job_whose_order_is_damaged(
    job: Path, order: bytes | str | None, capsys: pytest.CaptureFixture[str]
) -> None:
    (job / "order.json").unlink()
    if order == "folder":
        (job / "order.json").mkdir()
    elif isinstance(order, bytes):
        (job / "order.json").write_bytes(order)
    (job / "000000.piece").write_bytes(b"half")
    assert main(["status", str(job)]) == 4
    assert "Hint: vidsr-job " in capsys.readouterr().err
    assert main(["clean", str(job)]) == 0
    assert not job.exists()


def test_clean_removes_an_empty_folder_of_a_job(tmp_path: Path) -> None:
    (tmp_path / "out.mkv.vidsr-job").mkdir()
    assert main(["clean", str(tmp_path / "out.mkv.vidsr-job/")]) == 0
    assert not any(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("name", "files"),
    [
        ("out.mkv.vidsr-job", ["order.json", "thesis.txt"]),
        ("out.mkv.vidsr-job", ["notes.json"]),
        ("films", ["order.json"]),
        ("films", ["order.json", "identity.json", "000000.piece"]),
        ("films", []),
    ],
)
def test_clean_leaves_what_is_no_damaged_job(
    name: str, files: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / name
    folder.mkdir()
    for file in files:
        (folder / file).write_text("precious")
    assert main(["clean", str(folder)]) == 4
    assert str(folder) in capsys.readouterr().err
    assert sorted(path.name for path in folder.iterdir()) == sorted(files)


def test_a_damaged_job_elsewhere_is_not_followed(job: Path, tmp_path: Path) -> None:
    (job / "order.json").write_text("")
    (tmp_path / "out.mkv.vidsr-job").symlink_to(job)
    assert main(["clean", str(tmp_path / "out.mkv.vidsr-job")]) == 4
    assert (job / "identity.json").exists()


def test_a_folder_in_the_place_of_a_lease_does_not_hold_a_worker(job: Path) -> None:
    (job / "000000.lease").mkdir()
    os.utime(job / "000000.lease", (time.time() - 86400,) * 2)
    assert main(["work", str(job), "--piece", "0", "-q"]) == 0


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="named pipes")
def test_a_pipe_as_the_source_is_refused(job: Path, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    edit(job, lambda order: order["run"]["source"].update(text=str(tmp_path / "pipe")))
    assert main(["work", str(job), "--piece", "0", "-q"]) == 3


def test_a_forged_end_is_no_end(job: Path) -> None:
    (job / "identity.json").unlink()
    (job / "finished.json").write_text('{"identity": "abc"}')
    assert main(["work", str(job), "--piece", "0", "-q"]) == 0


@pytest.mark.parametrize("end", ["source", "target"])
@pytest.mark.parametrize("name", ["\0x.mkv", "\ud800x.mkv"])
def test_names_that_are_none_are_refused(job: Path, end: str, name: str) -> None:
    edit(job, lambda order: order["run"][end].update(text=name))
    assert main(["work", str(job), "-q"]) == 4


def test_a_plan_made_again_may_overwrite(planned: Path, job: Path) -> None:
    target = planned / "out.mkv"
    target.touch()
    try:
        source = planned / "a.mp4"
        assert main(["plan", str(source), "-o", str(target), *OPTIONS, "--overwrite"]) == 0
        assert json.loads((job / "order.json").read_text())["run"]["options"]["overwrite"] is True
        assert main(["work", str(job), "-q"]) == 0
        assert main(["join", str(job), "-q"]) == 0
        assert target.stat().st_size > 0
    finally:
        target.unlink()


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="named pipes")
def test_a_pipe_as_a_configuration_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "live.toml")
    assert live(["--config", str(tmp_path / "live.toml"), "--check"]) == 2


def test_clean_refuses_what_cannot_be_listed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["clean", str(tmp_path / f"{'a' * 300}.vidsr-job")]) == 4
    assert "cannot be read: File name too long" in capsys.readouterr().err
