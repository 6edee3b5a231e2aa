"""Watched folders: what is taken, and when."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from tests.makers.clips import make_clip
from vidsr import cli
from vidsr.batch.batch_options import BatchOptions
from vidsr.batch.batch_run import BatchRun
from vidsr.batch.inputs import Found, in_folder
from vidsr.batch.name_pattern import NamePattern
from vidsr.batch.watch import watching
from vidsr.batch.watch.arrivals import Arrivals, State
from vidsr.run.options import RunOptions


def touched(path: Path, text: str) -> Path:
    """Write a file whose entry and content have one time, as a writer leaves them."""
    path.write_text(text)
    return path


def names(found: list[Found]) -> list[str]:
    return [each.source.path.name for each in found]


def test_a_file_rests_before_it_is_taken(tmp_path: Path) -> None:
    arrivals = Arrivals(settle_s=5)

    def look(now_s: float) -> list[str]:
        return names(arrivals.look(in_folder(tmp_path), now_s))

    touched(tmp_path / "a.mkv", "be")
    assert look(0) == look(4.9) == []
    touched(tmp_path / "a.mkv", "begin")
    assert look(5) == look(9) == []
    assert look(10) == ["a.mkv"]


def test_empty_files_are_not_there_yet(tmp_path: Path) -> None:
    arrivals = Arrivals(settle_s=0)
    (tmp_path / "a.mkv").touch()
    assert arrivals.look(in_folder(tmp_path), 9) == []


@pytest.mark.skipif(os.name != "posix", reason="times of entries")
def test_what_is_renamed_into_place_is_taken_at_once(tmp_path: Path) -> None:
    part = touched(tmp_path / "a.mkv.part", "whole")
    state = State.of(part)
    assert state is not None
    os.utime(part, ns=(state.changed_ns, state.changed_ns - 10**9))  # written a second ago
    arrivals = Arrivals(settle_s=60)
    assert arrivals.look(in_folder(tmp_path), 0) == []
    part.rename(tmp_path / "a.mkv")
    assert names(arrivals.look(in_folder(tmp_path), 1)) == ["a.mkv"]


def test_what_is_taken_comes_again_when_it_changes_or_not(tmp_path: Path) -> None:
    arrivals = Arrivals(settle_s=1)
    path = touched(tmp_path / "a.mkv", "one")
    arrivals.look(in_folder(tmp_path), 0)
    (found,) = arrivals.look(in_folder(tmp_path), 2)
    assert arrivals.take(found)
    assert arrivals.look(in_folder(tmp_path), 9) == []
    touched(path, "another")
    assert arrivals.look(in_folder(tmp_path), 10) == []
    assert names(arrivals.look(in_folder(tmp_path), 12)) == ["a.mkv"]
    path.unlink()
    assert not arrivals.take(found)
    assert arrivals.look(in_folder(tmp_path), 13) == []


def test_own_targets_and_taken_names_are_passed_over(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("a.flv", "a_4x.mkv", "b.mkv", "out/c.mkv"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        touched(tmp_path / name, "whole")
    choices, pattern = BatchOptions(watch=True, settle=0), NamePattern.of(None, RunOptions())
    inside = watching.Watch([tmp_path], tmp_path, pattern, choices)
    assert [i.source.path.name for i in inside.look()] == ["b.mkv", "c.mkv"]  # a.flv is done
    below = watching.Watch([tmp_path], tmp_path / "out", pattern, choices)
    assert [i.source.path.name for i in below.look()] == ["a.flv", "a_4x.mkv", "b.mkv"]
    touched(tmp_path / "a.wmv", "whole")
    assert below.look() == []
    assert "is the target of" in capsys.readouterr().err


def test_a_watch_from_end_to_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    inbox = tmp_path / "in"
    inbox.mkdir()
    pauses = []

    def pause(_: float) -> None:
        pauses.append(1)
        if len(pauses) == 1:
            make_clip(inbox / "a.mkv", frames=3)
            (inbox / "broken.mkv").write_text("no video")
        if len(pauses) == 9:
            raise KeyboardInterrupt

    monkeypatch.setattr("vidsr.batch.watch.watching.time.sleep", pause)
    arguments = ["--model", "lite-x2", "--device", "cpu", "--settle", "0"]
    status = cli.main(["--watch", str(inbox), "-o", str(inbox), *arguments])
    assert status == 1  # no signal, and one that failed
    lines = capsys.readouterr().err.splitlines()
    assert sum("error: " in line for line in lines) == 1
    assert lines[-1].startswith("vidsr: the watch has ended: 1 file done, 1 failed; 3 frames")
    assert sorted(p.name for p in inbox.iterdir()) == ["a.mkv", "a_2x.mkv", "broken.mkv"]


def test_a_report_lists_what_the_end_of_a_watch_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    inbox, report = tmp_path / "in", tmp_path / "a.json"
    inbox.mkdir()
    touched(inbox / "a.mkv", "whole")

    def pause(_: float) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("vidsr.batch.watch.watching.time.sleep", pause)
    monkeypatch.setattr(BatchRun, "run", lambda _, items: list(items))
    arguments = ["--settle", "0", "--device", "cpu", "--report", str(report)]
    assert cli.main(["--watch", str(inbox), "-o", str(tmp_path / "out"), *arguments]) == 1
    written = json.loads(report.read_text())
    assert written["totals"]["not_started"] == 1
    assert [entry["outcome"] for entry in written["files"]] == ["not started"]


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("none", "none: no such folder"),
        (__file__, "is no folder of this machine"),
        ("s3://films/in", "s3://films/in: is no folder of this machine"),
    ],
)
def test_what_cannot_be_watched(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, said: str
) -> None:
    assert cli.main(["--watch", name, "-o", str(tmp_path / "out")]) == 3
    assert said in capsys.readouterr().err
