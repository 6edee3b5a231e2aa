"""Runs killed at random moments and gone on with: the target's bytes must be those of one run.

Each run is a process forked from one that has loaded the libraries and used none. It is killed
(SIGKILL) once to three times at random moments and then left to end. ``tools/kill_runs.py`` is the
command.
"""

from __future__ import annotations

import hashlib
import os
import random
import signal
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from tests.makers.clips import MS_BASE, Tone, make_clip
from vidsr.api import upscale
from vidsr.errors import VidsrError

FRAMES, PIECE_FRAMES = 60, 7
LONGEST_S = 300.0


@dataclass(frozen=True)
class Kind:
    """A kind of run: codec and container of the target, and whether frames last equally long."""

    codec: str
    container: str
    constant: bool

    def __str__(self) -> str:
        return f"{self.codec} {self.container} {'CFR' if self.constant else 'VFR'}"


KINDS = tuple(
    Kind(codec, container, constant)
    for codec in ("h264", "hevc", "ffv1")
    for container in (("mkv",) if codec == "ffv1" else ("mkv", "mov"))
    for constant in (True, False)
)


def make_source(path: Path, *, constant: bool) -> None:
    """Write a small clip with sound, of equal or of random frame durations."""
    seeded, pts = random.Random(1), [0]
    while len(pts) < FRAMES:
        pts.append(pts[-1] + (40 if constant else seeded.choice((17, 33, 40, 40, 120))))
    make_clip(path, size=(48, 32), pts=pts, time_base=MS_BASE, gop=12, audio=Tone(rate=8000))


def start(source: Path, target: Path, codec: str) -> int:
    """Fork a run and return its process."""
    if process := os.fork():
        return process
    status = 1
    try:
        sys.stderr = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115 - until the end
        upscale(source, target, model="lite-fast-x2", codec=codec, piece_frames=PIECE_FRAMES)
        status = 0
    except VidsrError as error:
        print(error, file=sys.stdout, flush=True)
    finally:
        os._exit(status)


def wait(process: int) -> int:
    """Return how a process ended: 0, or another status. Raises AssertionError where it hangs."""
    until = time.monotonic() + LONGEST_S
    while time.monotonic() < until:
        done, status = os.waitpid(process, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.01)
    os.kill(process, signal.SIGKILL)
    raise AssertionError(f"a run went on for more than {LONGEST_S} s")


def digest(path: Path) -> str:
    """Return the digest of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def try_kinds(runs: int, seed: int) -> int:
    """Try every kind, print a line for each, and return how many targets differed."""
    seeded, total, good = random.Random(seed), 0, 0
    with tempfile.TemporaryDirectory() as folder:
        for number, kind in enumerate(KINDS):
            share = runs * (number + 1) // len(KINDS) - total
            if not share:
                continue
            equal, kills, found = try_kind(kind, share, seeded, Path(folder))
            total, good = total + share, good + equal
            print(f"{kind}: {equal} of {share} equal, {kills} kills, {found} pieces", flush=True)
    print(f"{good} of {total} targets equal those of runs that nobody disturbed")
    return total - good


def try_kind(kind: Kind, runs: int, seeded: random.Random, folder: Path) -> tuple[int, int, int]:
    """Return equal targets, kills, and pieces that were there when runs went on."""
    source = folder / f"{'cfr' if kind.constant else 'vfr'}.mp4"
    if not source.exists():  # in a process of its own: this one uses no library before it forks
        if not (maker := os.fork()):
            make_source(source, constant=kind.constant)
            os._exit(0)
        wait(maker)
    whole, target = folder / f"whole.{kind.container}", folder / f"target.{kind.container}"
    begin = time.monotonic()
    if wait(start(source, whole, kind.codec)):
        raise AssertionError(f"{kind}: the run that nobody disturbs failed")
    length_s, wanted = time.monotonic() - begin, digest(whole)
    whole.unlink()
    equal = kills = found = 0
    for _ in range(runs):
        for _ in range(seeded.randint(1, 3)):
            process = start(source, target, kind.codec)
            time.sleep(seeded.uniform(0, length_s))
            os.kill(process, signal.SIGKILL)
            os.waitpid(process, 0)
            kills += 1
            if target.exists():
                break
            found += len([*folder.glob("target*.vidsr-job/*.piece")])
        # The folder is left where the kill came between the last rename and its end.
        if not target.exists() or (folder / f"{target.name}.vidsr-job").exists():
            wait(start(source, target, kind.codec))
        equal += target.exists() and digest(target) == wanted
        for left in folder.glob("target*"):
            if left.is_dir():
                raise AssertionError(f"{kind}: {left} was left behind")
            left.unlink()
    return equal, kills, found
