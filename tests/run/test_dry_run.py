"""A dry run says frames, duration, memory of the process, and time where it is asked to measure."""

from __future__ import annotations

import itertools
import json
import re
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from tests.makers.clips import decode, make_clip
from vidsr import cli
from vidsr.errors import OutputError
from vidsr.notes import Notes
from vidsr.run.job import open_job, plan_job
from vidsr.run.options import RunOptions
from vidsr.run.spec import JobSpec

FAST = ("--model", "lite-x2", "--device", "cpu")
PLAN_AND_RUN = """
import sys
from vidsr.cli import main
sys.exit(main([*sys.argv[1:], "--dry-run"]) or main(sys.argv[1:]))
"""
MEASURE = """
import resource, subprocess, sys
subprocess.run(sys.argv[1:], check=True)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
"""  # in between, since a process begins with the peak of the one that starts it


@pytest.mark.skipif(sys.platform != "linux", reason="memory as Linux counts it")
@pytest.mark.parametrize(
    ("size", "model", "codec", "frames"),
    [
        ((320, 180), "lite-x2", "h264", 70),
        ((320, 180), "lite-x4", "h264", 20),
        ((96, 64), "lite-fast-x2", "hevc", 12),
        ((320, 180), "lite-fast-x2", "ffv1", 20),
    ],
)
def test_memory_comes_true_within_a_fifth(
    size: tuple[int, int], model: str, codec: str, frames: int, tmp_path: Path
) -> None:
    clip = make_clip(tmp_path / "in.mkv", frames=frames, size=size).path
    words = [str(clip), "-o", str(tmp_path / "out.mkv"), "-q"]
    words += ["--model", model, "--codec", codec, "--device", "cpu"]
    # One process plans, then runs: a fresh one of either kind takes two seconds to load.
    both = [sys.executable, "-c", MEASURE, sys.executable, "-c", PLAN_AND_RUN, *words]
    done = subprocess.run(both, capture_output=True, text=True, check=True)
    said = re.search(r"^process  about (\d+) MiB", done.stdout, re.MULTILINE)
    assert said is not None
    assert (tmp_path / "out.mkv").is_file()
    peak_kib = int(done.stdout.splitlines()[-1])
    assert int(said[1]) == pytest.approx(peak_kib / 1024, rel=0.2)


@pytest.mark.parametrize("frames", [1, 5, 23])
def test_length(frames: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    clip = make_clip(tmp_path / "in.mkv", frames=frames).path
    words = [str(clip), "-o", str(tmp_path / "out.mkv"), *FAST, "--dry-run", "--report", "-"]
    assert cli.main(words) == 0
    seen = capsys.readouterr()
    many = "frame" if frames == 1 else "frames"
    assert f"length   {frames} {many}, {frames / 25:.1f} s" in seen.err
    assert "64x48 yuv420p BT.601 limited (matrix assumed), 25 fps" in seen.err
    said = json.loads(seen.out)
    assert (said["frames"], said["duration_s"]) == (frames, pytest.approx(frames / 25))
    assert said["process_bytes"] > 100 << 20
    assert "estimate_s" not in said


@pytest.mark.parametrize("frames", [6, 60])
def test_an_estimate_of_the_time(
    frames: int,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """On a clock on which every frame takes a quarter of a second."""
    clip = make_clip(tmp_path / "in.mkv", frames=frames, size=(160, 90)).path
    words = [str(clip), "-o", str(tmp_path / "out.mkv"), *FAST, "--codec", "ffv1"]
    moments = itertools.count(step=0.25)
    clock = SimpleNamespace(perf_counter=lambda: next(moments))
    monkeypatch.setattr("vidsr.run.executor.time", clock)
    begin_s = time.perf_counter()
    assert cli.main([*words, "--dry-run", "--estimate", "--report", "-"]) == 0
    taken_s = time.perf_counter() - begin_s
    seen = capsys.readouterr()
    said_s = json.loads(seen.out)["estimate_s"]
    assert re.search(r"^time     about \d+ s$", seen.err, re.MULTILINE)
    assert [path.name for path in tmp_path.iterdir()] == ["in.mkv"]
    if frames == 6:  # over before 3 s have been measured, so it is what the run took
        assert 0 < said_s < taken_s
        assert next(moments) == frames / 4
    else:
        assert said_s == pytest.approx(frames / 4)
        assert 3 < next(moments) < 4  # no frame was made after 3 s


def test_an_estimate_belongs_to_a_dry_run(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    clip = make_clip(tmp_path / "in.mkv", frames=2).path
    assert cli.main([str(clip), "-o", str(tmp_path / "out.mkv"), "--estimate"]) == 2
    assert "--estimate without --dry-run" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["out.mkv", "out%03d.png"])
def test_a_target_that_exists_is_named_and_left_alone(
    name: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    clip = make_clip(tmp_path / "in.mkv", frames=5).path
    taken = tmp_path / name.replace("%03d", "001")
    taken.write_text("mine")
    words = [str(clip), "-o", str(tmp_path / name), "--model", "lite-x2", "--dry-run"]
    assert cli.main(words) == 0
    assert "exists already: the run will need `overwrite`" in caplog.text
    assert "length   5 frames" in capsys.readouterr().out
    caplog.clear()
    assert cli.main([*words, "--overwrite"]) == 0
    assert "exists already" not in caplog.text
    assert taken.read_text() == "mine"
    assert cli.main(words[:-1]) == 4
    assert "exists already. Hint: --overwrite" in capsys.readouterr().err


def test_a_plan_over_a_target_that_exists_does_not_replace_it(tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "in.mkv", frames=3).path
    taken = tmp_path / "out.mkv"
    taken.write_text("mine")
    plan = plan_job(JobSpec.of(clip, taken, RunOptions(model="lite-x2")))
    with pytest.raises(OutputError, match="exists already"):
        open_job(plan, Notes())
    assert taken.read_text() == "mine"
    taken.unlink()
    with open_job(plan, Notes()) as job:
        assert not job.output.target.overwrite


@pytest.mark.parametrize("seconds", ["0.04", "0.05", "0.2", "0.25", "0.41", "0.92", "1", "7"])
def test_a_part_has_as_many_frames_as_are_announced(
    seconds: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    clip = make_clip(tmp_path / "in.mkv", frames=25).path
    words = [str(clip), "-o", str(tmp_path / "out.mkv"), *FAST, "--duration", seconds]
    assert cli.main([*words, "--dry-run"]) == 0
    announced = int(re.findall(r"length   about (\d+) frames?\b", capsys.readouterr().out)[0])
    assert cli.main(words) == 0
    assert announced == len(decode(tmp_path / "out.mkv"))


@pytest.mark.parametrize("name", ["in.mp4", "in.mov", "in%02d.png"])
def test_one_picture_of_many_is_refused_before_anything_is_loaded(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    if "%" in name:
        for number in range(1, 6):
            image = pytest.importorskip("PIL.Image").new("RGB", (32, 24))
            image.save(tmp_path / f"in{number:02}.png")
    else:
        make_clip(tmp_path / name, frames=5)
    monkeypatch.setattr("vidsr.run.job.Upscaler", None)
    words = [str(tmp_path / name), "-o", str(tmp_path / "out.png"), "--model", "lite-x2"]
    assert cli.main(words) == 4
    assert "out.png: a single picture cannot hold 5 frames" in capsys.readouterr().err
    assert not (tmp_path / "out.png").exists()
