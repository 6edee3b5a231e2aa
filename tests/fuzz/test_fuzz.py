"""Damaged files of every kind: 200 of the 2 000 runs that ``tools/fuzz.py`` makes."""

from __future__ import annotations

import random
import subprocess
import sys
from pathlib import Path

import pytest

from tests.fuzz.harness import compare, mutate
from tests.makers.zoo import make_zoo

ROOT = Path(__file__).resolve().parents[2]
RUNS, TIME_LIMIT_S = 200, 300


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="forks, and limits memory as Linux does")
def test_damaged_files_end_in_a_video_or_a_refusal() -> None:
    command = [sys.executable, "tools/fuzz.py", "--runs", str(RUNS), "--jobs", "2"]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=TIME_LIMIT_S)
    assert run.returncode == 0, run.stdout + run.stderr
    assert run.stdout.startswith(f"{RUNS} runs in ")
    assert " written" in run.stdout  # else nothing has been tried
    assert " refused" in run.stdout


def test_a_seed_makes_the_same_damage() -> None:
    data = bytes(range(256)) * 8
    first = [mutate(data, random.Random(seed)) for seed in range(50)]
    assert first == [mutate(data, random.Random(seed)) for seed in range(50)]
    assert len(set(first)) > 45
    assert sum(damaged == data for damaged in first) < 5


@pytest.mark.parametrize("data", [b"", b"a", b"ab"])
def test_hardly_anything_can_be_damaged(data: bytes) -> None:
    for seed in range(20):
        mutate(data, random.Random(seed))


@pytest.mark.parametrize(
    ("written", "shown", "wrong"),
    [
        ([10.0, 20.0], [10.0, 21.0], ""),
        ([10.0], [10.0, 21.0], ""),
        ([10.0, 20.0, 20.0], [10.0, 21.0], "3 frames written, a plain decode shows 2"),
        ([10.0, 90.0], [10.0, 21.0], "frame 1 has a mean grey of 90.0: no frame shown has"),
    ],
)
def test_frames_that_nothing_shows_are_noticed(
    written: list[float], shown: list[float], wrong: str
) -> None:
    assert compare(written, [shown]) == wrong


def test_the_zoo_holds_many_kinds(tmp_path: Path) -> None:
    suffixes = {path.suffix for path in make_zoo(tmp_path)}
    assert {".mp4", ".mov", ".mkv", ".ts", ".avi", ".flv", ".gif", ".png", ".jpg"} <= suffixes
    assert len(list(tmp_path.iterdir())) >= 25
