"""Progress: a bar, lines, objects or nothing, whatever stderr is."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest

from tests.doubles.warm import command, run_warm
from tests.makers.clips import make_clip
from vidsr import cli
from vidsr.option_values import in_words
from vidsr.terminal.progress_bar import ProgressBar
from vidsr.terminal.progress_choice import KINDS, make_progress
from vidsr.terminal.progress_lines import JsonProgress, LineProgress, Pace, QuietProgress
from vidsr.video.info import SourceInfo
from vidsr.video.source.file_source import FileSource


@pytest.fixture(scope="module")
def info(tmp_path_factory: pytest.TempPathFactory) -> SourceInfo:
    clip = make_clip(tmp_path_factory.mktemp("clip") / "in.mkv", frames=40).path
    with FileSource(clip) as source:
        return source.header.info


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [50.0]
    monkeypatch.setattr(time, "perf_counter", lambda: now[0])
    return now


def test_a_line_every_thirty_seconds(
    info: SourceInfo, clock: list[float], capsys: pytest.CaptureFixture[str]
) -> None:
    progress = LineProgress("vidsr")
    progress.start(info)
    for done in range(1, 21):
        clock[0] += 7.0
        progress.frame(done, done * 1_000_000)
    progress.close()
    lines = capsys.readouterr().err.splitlines()
    assert lines == [
        "vidsr: 12 %, 5 of 40 frames, 0.1 fps, 0.01x, 4 min left, 5.0 MB",
        "vidsr: 25 %, 10 of 40 frames, 0.1 fps, 0.01x, 4 min left, 10.0 MB",
        "vidsr: 38 %, 15 of 40 frames, 0.1 fps, 0.01x, 3 min left, 15.0 MB",
        "vidsr: 50 %, 20 of 40 frames, 0.1 fps, 0.01x, 2 min left, 20.0 MB",
    ]


def test_objects_for_programs(
    info: SourceInfo, clock: list[float], capsys: pytest.CaptureFixture[str]
) -> None:
    progress = JsonProgress()
    progress.start(info)
    for done in range(1, 5):
        clock[0] += 0.5
        progress.frame(done, 10 * done)
    progress.close()
    progress.close()
    said = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert [each["event"] for each in said] == ["start", "progress", "progress", "end"]
    assert [each["frames"] for each in said] == [0, 2, 4, 4]
    assert {each["total"] for each in said} == {40}
    assert (said[2]["left_s"], said[2]["fps"], said[2]["output_bytes"]) == (18.0, 2.0, 40)


def test_an_unknown_number_of_frames(
    info: SourceInfo, clock: list[float], capsys: pytest.CaptureFixture[str]
) -> None:
    from dataclasses import replace

    unknown = replace(info, frames=None)
    lines, objects = LineProgress("vidsr", every_s=1), JsonProgress()
    for progress in (lines, objects):
        progress.start(unknown)
        clock[0] += 2.0
        progress.frame(4, 0)
        progress.close()
    first, *rest = capsys.readouterr().err.splitlines()
    assert first == "vidsr: 4 frames, 2.0 fps, 0.08x, 0.0 MB"
    assert all(json.loads(line)["left_s"] is None for line in rest)


def test_more_frames_than_announced(info: SourceInfo, clock: list[float]) -> None:
    pace = Pace(info)
    clock[0] += 1
    pace.reach(60, 0)
    assert (pace.total, pace.left_s) == (60, 0)


@pytest.mark.parametrize(
    ("kind", "quiet", "wanted"),
    [
        ("auto", False, LineProgress),
        ("auto", True, QuietProgress),
        ("bar", False, ProgressBar),
        ("bar", True, ProgressBar),
        ("lines", True, LineProgress),
        ("json", True, JsonProgress),
        ("none", False, QuietProgress),
    ],
)
def test_the_choice(kind: str, quiet: bool, wanted: type) -> None:
    assert type(make_progress(kind, "vidsr", quiet=quiet)) is wanted


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_ends_after_a_signal(kind: str, info: SourceInfo) -> None:
    progress = make_progress(kind, "vidsr", interrupted=lambda: True)
    progress.start(info)
    with pytest.raises(KeyboardInterrupt):
        progress.frame(1, 0)
    progress.close()


@pytest.mark.parametrize("kind", KINDS)
def test_the_command(kind: str, tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "in.mkv", frames=4).path
    words = ["-o", "out.mkv", "--model", "lite-x2", "--device", "cpu", "--codec", "ffv1"]
    done = run_warm(command("vidsr.cli"), [clip, *words, "--progress", kind], folder=tmp_path)
    assert (done.returncode, done.stdout) == (0, "")
    lines = done.stderr.splitlines()
    assert lines[-1].startswith("vidsr: out.mkv: 4 frames")
    objects: list[Any] = [json.loads(line) for line in lines if line.startswith("{")]
    # A slow machine takes more than a second, and is told of it in between.
    events = [each["event"] for each in objects if each["event"] != "progress"]
    assert events == (["start", "end"] if kind == "json" else [])
    assert any("%" in line for line in lines) is (kind == "bar")
    assert "vidsr: 64x48 to 128x96, 4 frames, 0.2 s" in lines


def test_an_unknown_kind_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        cli.main(["a.mkv", "-o", "b.mkv", "--progress", "jsn"])
    assert "did you mean json?" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "0 s"),
        (99, "99 s"),
        (100, "2 min"),
        (5999, "100 min"),
        (9000, "2.5 h"),
        (1e6, "11.6 days"),
    ],
)
def test_times_in_words(seconds: float, words: str) -> None:
    assert in_words(seconds) == words
