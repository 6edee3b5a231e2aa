"""Killed, interrupted or out of space: the target is the old file or the whole new one."""

from __future__ import annotations

import json
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.makers.clips import Tone, decode, make_clip

OLD = b"what was there before"
FRAMES = 45
LONG = 600  # frames of a run that cannot end before a signal comes, however late that is
KILLS = 10

# Runs the command line again and again in one process: first freely, then with a size limit, as a
# full disk would impose it. Python ignores SIGXFSZ, so that writing fails with EFBIG.
LIMITED = """
import json, os, resource, sys
from vidsr.cli import main
target, arguments = sys.argv[1], sys.argv[2:]
def attempt(limit):
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
    print(f"limit {limit}", file=sys.stderr, flush=True)
    code = main(arguments)
    print(json.dumps([limit, code, os.listdir(".")]), flush=True)
attempt(resource.RLIM_INFINITY)
size = os.stat(target).st_size
os.unlink(target)
# The last two let every packet through and fail in the index that is written at the end.
for limit in (0, 1, 40, size // 3, size // 2, size - 100, size - 1):
    attempt(limit)
attempt(size + 4096)
"""


def command(source: Path, target: Path) -> list[str]:
    return [
        *(sys.executable, "-m", "vidsr.cli", str(source), "-o", str(target), "--overwrite"),
        *("--model", "lite-x2", "--preset", "ultrafast"),
    ]


@dataclass(frozen=True)
class Measured:
    """A clip, how many seconds one run of it takes, and when its working file appears."""

    clip: Path
    seconds: float
    writing_s: float


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> Measured:
    folder = tmp_path_factory.mktemp("crash")
    clip = make_clip(folder / "a.mp4", size=(320, 180), frames=FRAMES, audio=Tone()).path
    begin = time.perf_counter()
    child = subprocess.Popen(command(clip, folder / "b.mp4"), stderr=subprocess.DEVNULL)
    wait_for_part(folder / "b.mp4", child)
    writing_s = time.perf_counter() - begin
    assert child.wait(120) == 0
    return Measured(clip, time.perf_counter() - begin, writing_s)


def wait_for_part(target: Path, child: subprocess.Popen[bytes]) -> None:
    """Return when the working file is there, or the run has ended already."""
    part = target.with_name(target.name + ".part")
    deadline = time.perf_counter() + 60
    while not part.exists() and child.poll() is None:
        assert time.perf_counter() < deadline
        time.sleep(0.01)


@pytest.fixture
def running() -> Iterator[list[subprocess.Popen[bytes]]]:
    children: list[subprocess.Popen[bytes]] = []
    yield children
    for child in children:
        if child.poll() is None:
            child.kill()
        child.communicate()


@pytest.mark.slow
def test_a_killed_run_leaves_the_old_file_or_the_whole_new_one(
    measured: Measured, tmp_path: Path
) -> None:
    target = tmp_path / "b.mp4"
    moments = random.Random(1)
    interrupted = 0
    for number in range(KILLS):
        target.unlink(missing_ok=True)
        if number % 2:
            target.write_bytes(OLD)
        child = subprocess.Popen(command(measured.clip, target), stderr=subprocess.DEVNULL)
        # Half of them while the file is surely being written, however fast the machine is just
        # now; the others at any moment, the very end included.
        if number % 4 < 2:
            wait_for_part(target, child)
            time.sleep(0.2 * (measured.seconds - measured.writing_s) * moments.random())
        else:
            time.sleep(measured.seconds * (0.4 + 0.6 * moments.random()))
        child.kill()
        finished = child.wait(30) == 0
        interrupted += (tmp_path / "b.mp4.part").exists()
        if target.exists() and target.read_bytes() != OLD:
            assert len(decode(target)) == FRAMES
        else:
            assert not finished
            assert target.exists() == bool(number % 2)
    assert interrupted >= KILLS // 4  # of KILLS // 2 chosen so; else nothing was tested
    subprocess.run(command(measured.clip, target), check=True, stderr=subprocess.DEVNULL)
    assert len(decode(target)) == FRAMES
    assert [p.name for p in tmp_path.iterdir()] == ["b.mp4"]


@pytest.mark.slow
@pytest.mark.parametrize(("number", "old"), [(signal.SIGINT, OLD), (signal.SIGTERM, None)])
def test_an_interrupted_run_cleans_up(
    tmp_path: Path,
    tmp_path_factory: pytest.TempPathFactory,
    running: list[subprocess.Popen[bytes]],
    number: signal.Signals,
    old: bytes | None,
) -> None:
    target = tmp_path / "b.mp4"
    if old:
        target.write_bytes(old)
    clip = make_clip(tmp_path_factory.mktemp("long") / "a.mp4", size=(320, 180), frames=LONG).path
    child = subprocess.Popen(command(clip, target), stderr=subprocess.PIPE)
    running.append(child)
    wait_for_part(target, child)
    child.send_signal(number)
    _, said = child.communicate(timeout=60)
    assert child.returncode == 128 + number
    assert said.decode().splitlines()[-1] == "vidsr: interrupted; the target was not written"
    assert b"Traceback" not in said
    assert [p.name for p in tmp_path.iterdir()] == (["b.mp4"] if old else [])
    assert not old or target.read_bytes() == old


@pytest.mark.slow
@pytest.mark.parametrize("suffix", ["mp4", "mkv", "ts"])
def test_a_full_disk_is_one_line_and_leaves_nothing(tmp_path: Path, suffix: str) -> None:
    clip = make_clip(tmp_path / "a.mp4", size=(32, 24), frames=12, audio=Tone()).path
    folder, target = tmp_path / "limited", Path(f"b.{suffix}")
    folder.mkdir()
    child = subprocess.run(
        [sys.executable, "-c", LIMITED, str(target), *command(clip, target)[3:]],
        cwd=folder,
        capture_output=True,
        timeout=120,
    )
    said = child.stderr.decode()
    results = [json.loads(line) for line in child.stdout.splitlines()]
    done, refused = [0, [target.name]], [4, []]
    assert [result[1:] for result in results] == [done, *(7 * [refused]), done], said
    assert "Traceback" not in said
    for part in said.split("limit ")[2:9]:
        errors = [line for line in part.splitlines() if line.startswith("vidsr: error")]
        assert len(errors) == 1, part
        assert "the disk is full; nothing was kept" in errors[0]
