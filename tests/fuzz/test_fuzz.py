"""Damaged files of every kind: 200 of the 2 000 runs that ``tools/fuzz.py`` makes."""

from __future__ import annotations

import random
import subprocess
import sys
from pathlib import Path

import av
import pytest

from tests.fuzz.harness import UNSPECIFIED, compare, greys, matrix_of, mutate
from tests.makers.zoo import make_zoo

ROOT = Path(__file__).resolve().parents[2]
RUNS, TIME_LIMIT_S = 200, 600


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
        assert isinstance(mutate(data, random.Random(seed)), bytes)


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


@pytest.mark.parametrize("matrix", [1, 5, 9])
def test_a_matrix_that_only_the_target_names_changes_no_grey(tmp_path: Path, matrix: int) -> None:
    for name, tag in (("in.mkv", UNSPECIFIED), ("out.mkv", matrix)):
        make_green(tmp_path / name, tag)
    named = matrix_of(tmp_path / "out.mkv")
    assert named == matrix
    written = greys(tmp_path / "out.mkv")
    assert greys(tmp_path / "in.mkv", matrix=named) == pytest.approx(written, abs=0.5)


def make_green(path: Path, matrix: int) -> None:
    with av.open(str(path), "w") as container:
        stream = container.add_stream("ffv1", rate=25)
        assert isinstance(stream, av.VideoStream)
        stream.width, stream.height, stream.pix_fmt = 32, 32, "yuv420p"
        stream.codec_context.colorspace = matrix
        image = av.VideoFrame(32, 32, "yuv420p")
        for plane, level in zip(image.planes, (114, 39, 40), strict=True):
            plane.update(bytes((level,)) * plane.buffer_size)
        container.mux(stream.encode(image))
        container.mux(stream.encode(None))
