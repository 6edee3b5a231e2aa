"""Disks of runs in pieces: how much is used at most, and what a full one costs."""

from __future__ import annotations

import json
import os
import sys
import threading
from contextlib import suppress
from pathlib import Path

import pytest

import vidsr
from tests.doubles.warm import run_warm
from tests.makers.clips import Tone, make_clip
from vidsr.video.pieces.job_folder import JobFolder

FRAMES, PIECE = 30, 10
OPTIONS = ["--model", "lite-fast-x2", "--precision", "fp32", "--codec", "ffv1"]
OPTIONS += ["--piece-frames", str(PIECE), "-q"]
RECORDS = 6000  # bytes that hold identity and order of a run, and no piece
SMALL = 1 << 14  # bytes of what is neither piece nor target

# Runs command lines one after the other in one process, each with a limit on the size of files, as
# a full disk would impose it. Python ignores SIGXFSZ, so that writing fails with EFBIG.
LIMITED = """
import json, os, resource, sys
from vidsr.cli import main as vidsr
from vidsr.jobs.cli import main as job
for limit, command, arguments in json.loads(sys.argv[1]):
    limit = resource.RLIM_INFINITY if limit is None else limit
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
    print("next", file=sys.stderr, flush=True)
    code = {"vidsr": vidsr, "job": job}[command](arguments)
    folder = "out.mkv.vidsr-job"
    found = sorted(os.listdir(folder)) if os.path.isdir(folder) else []
    print(json.dumps([code, sorted(os.listdir(".")), found]), flush=True)
"""

Step = tuple[int | None, str, list[str]]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, bytes]:
    """Return a clip, and the target of a run over it."""
    folder = tmp_path_factory.mktemp("disk")
    source = make_clip(folder / "in.mp4", size=(32, 24), frames=FRAMES, audio=Tone()).path
    target = folder / "one.mkv"
    words = {"model": "lite-fast-x2", "precision": "fp32", "codec": "ffv1", "piece_frames": PIECE}
    vidsr.upscale(source, target, **words)  # type: ignore[arg-type]
    return source, target.read_bytes()


def run(folder: Path, steps: list[Step]) -> list[tuple[int, list[str], list[str], str]]:
    """Run commands; return of each its status, what lies in the folders, and what it said."""
    done = run_warm(LIMITED, [json.dumps(steps)], folder=folder, environment={"PATH": ""})
    assert done.returncode == 0, done.stderr
    said = done.stderr.split("next\n")[1:]
    results = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("[")]
    return [
        (code, names, found, words)
        for (code, names, found), words in zip(results, said, strict=True)
    ]


def is_said(words: str) -> bool:
    """Return True for one line that says that there is no room."""
    return len(words.splitlines()) <= 2 and "File too large" in words and "Traceback" not in words


@pytest.mark.skipif(sys.platform == "win32", reason="no limits on the size of files")
@pytest.mark.parametrize("growing", [False, True])
def test_a_run_goes_on_when_there_is_room_again(
    growing: bool, whole: tuple[Path, bytes], tmp_path: Path
) -> None:
    words = [str(whole[0]), "-o", "out.mkv", *OPTIONS, *(["--growing"] if growing else [])]
    limits = [0, RECORDS, len(whole[1]) * 2 // 3, None]
    begun, piece, joined, end = run(tmp_path, [(limit, "vidsr", words) for limit in limits])
    for code, _, _, said in (begun, piece, joined):
        assert code == 4
        assert is_said(said)
    assert "disk is full" in joined[3]
    for _, names, found, _ in (begun, piece):
        assert "out.mkv" not in names
        assert not found
    assert joined[1] == ["out.mkv.vidsr-job"]
    assert [name for name in joined[2] if name.endswith(".piece")] == [
        f"{number:06d}.piece" for number in range(3)
    ]
    assert (end[0], end[1]) == (0, ["out.mkv"])
    assert (tmp_path / "out.mkv").read_bytes() == whole[1]


@pytest.mark.skipif(sys.platform == "win32", reason="no limits on the size of files")
def test_a_shared_run_goes_on_when_there_is_room_again(
    whole: tuple[Path, bytes], tmp_path: Path
) -> None:
    folder = "out.mkv.vidsr-job"
    plan: Step = (None, "job", ["plan", str(whole[0]), "-o", "out.mkv", *OPTIONS])
    work, join = ["work", folder, "-q"], ["join", folder, "-q"]
    steps: list[Step] = [
        plan,
        (0, "job", work),
        (RECORDS, "job", work),
        (None, "job", work),
        (len(whole[1]) * 2 // 3, "job", join),
        (None, "job", join),
    ]
    planned, lease, piece, worked, joined, end = run(tmp_path, steps)
    for code, _, _, said in (lease, piece, joined):
        assert code == 4
        assert is_said(said)
    for _, _, found, _ in (lease, piece):
        assert found == planned[2]  # neither a lease nor a part of a piece is left
    assert "disk is full" in piece[3]
    assert worked[0] == 0
    assert (end[0], end[1]) == (0, ["out.mkv"])
    assert (tmp_path / "out.mkv").read_bytes() == whole[1]


def used_bytes(folder: Path) -> int:
    """Return the bytes of all files in a folder and in those below."""
    total = 0
    for below, folders, files in os.walk(folder):  # which leaves out what is removed meanwhile
        for name in (*folders, *files):
            with suppress(OSError):
                total += Path(below, name).stat().st_size
    return total


@pytest.mark.parametrize("suffix", ["mkv", "mp4"])
@pytest.mark.parametrize("growing", [False, True])
def test_no_more_is_used_than_pieces_and_target(
    suffix: str, growing: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = make_clip(tmp_path / "in.mp4", size=(64, 48), frames=90, audio=Tone()).path
    folder, target = tmp_path / "out", tmp_path / "out" / f"out.{suffix}"
    folder.mkdir()
    at_end, most, over = [], [0], threading.Event()
    remove = JobFolder.remove

    def removed(job: JobFolder) -> None:
        at_end.append(used_bytes(folder))
        remove(job)

    def sample() -> None:
        while not over.wait(0.001):
            most[0] = max(most[0], used_bytes(folder))

    monkeypatch.setattr(JobFolder, "remove", removed)
    sampler = threading.Thread(target=sample)
    sampler.start()
    try:
        words = {"model": "lite-fast-x2", "codec": "h264", "crf": 0, "piece_frames": 30}
        vidsr.upscale(source, target, growing=growing, **words)  # type: ignore[arg-type]
    finally:
        over.set()
        sampler.join()
    (pieces_and_target,) = at_end
    assert target.stat().st_size > 8 * SMALL
    assert pieces_and_target < 2 * target.stat().st_size + SMALL
    assert most[0] <= pieces_and_target + SMALL
    assert [*folder.iterdir()] == [target]
