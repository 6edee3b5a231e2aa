"""Killed, interrupted or out of space: the target is the old file or the whole new one."""

from __future__ import annotations

import json
import os
import random
import signal
import time
from dataclasses import dataclass
from pathlib import Path
from subprocess import PIPE

import pytest

from tests.doubles.warm import WarmProcess, command, run_warm
from tests.makers.clips import Tone, decode, make_clip

OLD = b"what was there before"
pytestmark = pytest.mark.skipif(os.name != "posix", reason="signals and limits as Unix has them")
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


def words(source: Path, target: Path) -> list[str]:
    return [
        *(str(source), "-o", str(target), "--overwrite"),
        *("--model", "lite-x2", "--preset", "ultrafast"),
    ]


def begin(source: Path, target: Path) -> WarmProcess:
    return WarmProcess(command("vidsr.cli"), words(source, target), stderr=PIPE)


@dataclass(frozen=True)
class Clips:
    """A clip, how many seconds one run of it takes, and one whose run outlasts any wait."""

    short: Path
    seconds: float
    long: Path


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> Clips:
    folder = tmp_path_factory.mktemp("crash")
    short = make_clip(folder / "a.mp4", size=(320, 180), frames=FRAMES, audio=Tone()).path
    long = make_clip(folder / "long.mp4", size=(320, 180), frames=LONG, audio=Tone()).path
    run_warm("pass")  # loads what the next one then has
    begin_s = time.perf_counter()
    with begin(short, folder / "b.mp4") as child:
        child.communicate()
        assert child.returncode == 0
    return Clips(short, time.perf_counter() - begin_s, long)


def wait_for_part(target: Path, child: WarmProcess) -> None:
    """Return when the working file is there, or the run has ended already."""
    part = target.with_name(target.name + ".part")
    deadline = time.perf_counter() + 120
    while not part.exists() and child.poll() is None:
        assert time.perf_counter() < deadline
        time.sleep(0.01)


@pytest.mark.slow
def test_a_killed_run_leaves_the_old_file_or_the_whole_new_one(
    clips: Clips, tmp_path: Path
) -> None:
    target = tmp_path / "b.mp4"
    moments = random.Random(1)
    for number in range(KILLS):
        target.unlink(missing_ok=True)
        if number % 2:
            target.write_bytes(OLD)
        # Half of them while the file is surely being written, however fast the machine is just
        # now; the others at any moment, the very end included.
        writing = number % 4 < 2
        with begin(clips.long if writing else clips.short, target) as child:
            if writing:
                wait_for_part(target, child)
                time.sleep(0.1 * moments.random())
            else:
                time.sleep(clips.seconds * (0.2 + 0.8 * moments.random()))
            child.kill()
            finished = child.wait() == 0
        if target.exists() and target.read_bytes() != OLD:
            assert len(decode(target)) == FRAMES
        else:
            assert not finished
            assert target.exists() == bool(number % 2)
        if writing:  # else nothing would have been tested
            assert not finished
            assert (tmp_path / "b.mp4.part").exists()
    with begin(clips.short, target) as child:
        assert child.wait() == 0
    assert len(decode(target)) == FRAMES
    assert [p.name for p in tmp_path.iterdir()] == ["b.mp4"]


@pytest.mark.slow
@pytest.mark.parametrize(("number", "old"), [(signal.SIGINT, OLD), (signal.SIGTERM, None)])
def test_an_interrupted_run_cleans_up(
    clips: Clips, tmp_path: Path, number: signal.Signals, old: bytes | None
) -> None:
    target = tmp_path / "b.mp4"
    if old:
        target.write_bytes(old)
    with begin(clips.long, target) as child:
        wait_for_part(target, child)
        child.send_signal(number)
        _, said = child.communicate()
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
    child = run_warm(LIMITED, [target, *words(clip, target)], folder=folder)
    said = child.stderr
    results = [json.loads(line) for line in child.stdout.splitlines()]
    done, refused = [0, [target.name]], [4, []]
    assert [result[1:] for result in results] == [done, *(7 * [refused]), done], said
    assert "Traceback" not in said
    for part in said.split("limit ")[2:9]:
        errors = [line for line in part.splitlines() if line.startswith("vidsr: error")]
        assert len(errors) == 1, part
        assert "the disk is full; nothing was kept" in errors[0]
