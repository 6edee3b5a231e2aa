"""A dry run says frames, duration, memory of the process, and time where it is asked to measure."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.makers.clips import make_clip
from vidsr import cli

FAST = ("--model", "lite-x2", "--device", "cpu")
MEASURE = """
import resource, subprocess, sys
subprocess.run(sys.argv[1:], check=True)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
"""


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
    command = [sys.executable, "-m", "vidsr", str(clip), "-o", str(tmp_path / "out.mkv"), "-q"]
    command += ["--model", model, "--codec", codec, "--device", "cpu"]
    plan = subprocess.run([*command, "--dry-run"], capture_output=True, text=True, check=True)
    said = re.search(r"^process  about (\d+) MiB", plan.stdout, re.MULTILINE)
    assert said is not None
    run = [sys.executable, "-c", MEASURE, *command]
    peak_kib = int(subprocess.run(run, capture_output=True, text=True, check=True).stdout)
    assert int(said[1]) == pytest.approx(peak_kib / 1024, rel=0.2)


@pytest.mark.parametrize("frames", [1, 5, 23])
def test_length(frames: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    clip = make_clip(tmp_path / "in.mkv", frames=frames).path
    words = [str(clip), "-o", str(tmp_path / "out.mkv"), *FAST, "--dry-run", "--report", "-"]
    assert cli.main(words) == 0
    seen = capsys.readouterr()
    assert f"length   {frames} frames, {frames / 25:.1f} s" in seen.err
    said = json.loads(seen.out)
    assert (said["frames"], said["duration_s"]) == (frames, pytest.approx(frames / 25))
    assert said["process_bytes"] > 100 << 20
    assert "estimate_s" not in said


@pytest.mark.parametrize("frames", [6, 300])
def test_an_estimate_of_the_time(
    frames: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    clip = make_clip(tmp_path / "in.mkv", frames=frames, size=(160, 90)).path
    words = [str(clip), "-o", str(tmp_path / "out.mkv"), *FAST, "--codec", "ffv1"]
    assert cli.main([*words, "--dry-run", "--estimate", "--report", "-"]) == 0
    seen = capsys.readouterr()
    said_s = json.loads(seen.out)["estimate_s"]
    assert re.search(r"^time     about \d+ s$", seen.err, re.MULTILINE)
    assert [path.name for path in tmp_path.iterdir()] == ["in.mkv"]
    begin_s = time.perf_counter()
    assert cli.main(words) == 0
    taken_s = time.perf_counter() - begin_s
    assert said_s < 4 * taken_s + 1  # loading is not in it, and the machine has other work
    assert said_s > taken_s / 6 - 1


def test_an_estimate_belongs_to_a_dry_run(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    clip = make_clip(tmp_path / "in.mkv", frames=2).path
    assert cli.main([str(clip), "-o", str(tmp_path / "out.mkv"), "--estimate"]) == 2
    assert "--estimate without --dry-run" in capsys.readouterr().err
