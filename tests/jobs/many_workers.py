"""Many workers at one folder whose pieces cost next to nothing: what is left is taking turns.

Each worker is a process. It makes a piece by waiting for a moment and writing a few bytes, and
writes down when it begins, when it has it, and whether the lease is still its own then.
``tools/many_workers.py`` is the command.
"""

from __future__ import annotations

import importlib
import json
import os
import random
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import NoReturn

from vidsr.jobs.turns import WorkOptions, turns
from vidsr.video.folders.holders import Holder
from vidsr.video.folders.opening import open_folder
from vidsr.video.locator import Locator
from vidsr.video.pieces.job_folder import JobFolder
from vidsr.video.pieces.piece_file import CodedFrame, PieceHead, write_piece

IDENTITY = {"kind": "pieces of nothing"}


@dataclass(frozen=True)
class Outcome:
    """What many workers did.

    Args:
        pieces: Pieces that are there in the end.
        made: How often a piece was made, of all workers together.
        twice: Pieces that were made more than once.
        lost: Leases that were another's when their piece was made.
        killed: Workers that were killed.
        failed: Workers that ended with an error.
        elapsed_s: Seconds for all.
        busy_s: Seconds that workers spent on pieces, of all together.
    """

    pieces: int
    made: int
    twice: int
    lost: int
    killed: int
    failed: int
    elapsed_s: float
    busy_s: float


def folder_at(place: Locator) -> JobFolder:
    """Return the folder of a job at an address or a path."""
    return JobFolder(None, open_folder(place))


def begin(place: Locator) -> None:
    """Make the folder. It is done in a process of its own: file systems survive no fork."""
    _in_process(lambda: _begun(place))


def _begun(place: Locator) -> None:
    folder = folder_at(place)
    folder.begin(IDENTITY, order="{}")
    folder.close(keep=True)


def _in_process(work: Callable[[], None]) -> None:
    child = os.fork()
    if not child:
        _leave(work)
    if os.waitpid(child, 0)[1]:
        raise RuntimeError("the folder cannot be made")


def _leave(work: Callable[[], None]) -> NoReturn:
    """Work in a process that was forked, and end it."""
    try:
        work()
    except BaseException as error:
        print(f"worker {os.getpid()}: {error!r}", file=sys.stderr, flush=True)
        os._exit(1)
    os._exit(0)


def run(
    place: Locator, log: Path, *, workers: int, pieces: int, piece_s: float, kills: int = 0
) -> Outcome:
    """Have many workers make all pieces of a folder, some of them killed meanwhile.

    Args:
        place: The folder, which ``begin`` has made.
        log: A folder for what workers write down.
        workers: Processes.
        pieces: Pieces.
        piece_s: Seconds for a piece, on average.
        kills: Workers that are killed in the middle of a piece.
    """
    _preload(place)
    begin_s, children = time.monotonic(), list[int]()
    for number in range(workers):
        child = os.fork()
        if not child:
            _leave(partial(_work, place, log / str(number), pieces, piece_s, number))
        children.append(child)
    for child, number in zip(children[:kills], range(kills), strict=True):
        _wait_for_a_piece(log / str(number))
        os.kill(child, signal.SIGKILL)
    failed = sum(os.waitpid(child, 0)[1] not in (0, signal.SIGKILL) for child in children)
    elapsed_s = time.monotonic() - begin_s
    return _outcome(place, log, kills, failed, elapsed_s)


def _preload(place: Locator) -> None:
    """Import what a store needs once for all workers: no file system is opened before the fork."""
    if place.scheme == "s3":
        importlib.import_module("s3fs")


def _work(place: Locator, log: Path, pieces: int, piece_s: float, number: int) -> None:
    folder, seeded = folder_at(place), random.Random(number)
    folder.begin(IDENTITY, shared=True)
    with log.open("a", encoding="utf-8", buffering=1) as file:

        def make(piece: int) -> None:
            begin_s = time.monotonic()
            file.write(json.dumps({"begun": piece}) + "\n")
            time.sleep(piece_s * seeded.uniform(0.5, 1.5))
            frame = CodedFrame(bytes([piece % 256]) * 64, piece, piece, 1, True)
            head = PieceHead(piece, 1, 64, piece, piece, "")
            write_piece(folder.piece_path(piece), head, [frame])
            folder.keep(piece)
            spent_s = time.monotonic() - begin_s
            mine = [state.holder for state in folder.leases(piece=piece)] == [Holder.this()]
            file.write(json.dumps({"made": piece, "mine": mine, "s": spent_s}) + "\n")

        for _ in turns(folder, pieces, WorkOptions(), make):
            pass
    folder.close(keep=True)


def _wait_for_a_piece(log: Path) -> None:
    """Wait until a worker is in the middle of a piece, or has ended without one."""
    until = time.monotonic() + 60
    while time.monotonic() < until:
        if log.exists() and (lines := log.read_text().splitlines()) and "begun" in lines[-1]:
            return
        time.sleep(0.002)


def _outcome(place: Locator, log: Path, kills: int, failed: int, elapsed_s: float) -> Outcome:
    lines = [json.loads(line) for path in log.iterdir() for line in path.read_text().splitlines()]
    made = Counter(line["made"] for line in lines if "made" in line)
    return Outcome(
        pieces=len(folder_at(place).names()),
        made=made.total(),
        twice=sum(count > 1 for count in made.values()),
        lost=sum(not line.get("mine", True) for line in lines),
        killed=kills,
        failed=failed,
        elapsed_s=elapsed_s,
        busy_s=sum(line.get("s", 0.0) for line in lines),
    )
