"""The costs of a run on many machines that do not depend on the film, measured here.

Seconds of joining and starting are those of the CPU, which a busy machine changes least; waiting
for disks and networks comes on top.
"""

from __future__ import annotations

import resource
import subprocess
import sys
import time
from pathlib import Path

from vidsr.clusters.dispatch import Dispatch
from vidsr.clusters.messages import Event
from vidsr.jobs.joining import join_all
from vidsr.jobs.maker import PieceMaker
from vidsr.jobs.shared_job import opened
from vidsr.notes import SilentNotes
from vidsr.picture.size import Size
from vidsr.run.options import RunOptions
from vidsr.run.spec import JobSpec
from vidsr.video.folders.leases import take

DEMO = Path(__file__).parents[1] / "examples" / "demo.mp4"
GIB = 1 << 30
ROUNDS = 200
START = """
import sys, time
from pathlib import Path
from vidsr.clusters import piece_worker
from vidsr.jobs.shared_job import opened
from vidsr.notes import SilentNotes
from vidsr.run.options import RunOptions
from vidsr.run.spec import JobSpec
spec = JobSpec.of(sys.argv[1], sys.argv[2], RunOptions(model="lite-fast-x2", piece_frames=8))
with opened(spec, SilentNotes(), alone=True, anew=True):
    print("open", flush=True)
"""


def dispatch_s() -> float:
    """Return the seconds of giving a piece out and hearing of it, as lines of JSON."""
    dispatch = Dispatch(range(ROUNDS * 10), lambda piece: False)
    begin_s = time.perf_counter()
    while not dispatch.finished:
        given = dispatch.next(0.0)
        assert given is not None
        line = Event("made", given.piece, 250, "host, process 1").to_json()
        dispatch.take(Event.from_json(line), 1.0)
    return (time.perf_counter() - begin_s) / (ROUNDS * 10)


def lease_s(folder: Path) -> float:
    """Return the seconds of taking and giving back a lease, on the disk of ``folder``."""
    begin_s = time.perf_counter()
    for _ in range(ROUNDS):
        lease = take(folder / "000000.lease")
        assert lease is not None
        lease.release()
    return (time.perf_counter() - begin_s) / ROUNDS


def start_s(folder: Path) -> float:
    """Return the seconds from starting a worker to its open job."""
    begin_s = _children_s()
    subprocess.run(
        [sys.executable, "-c", START, str(DEMO), str(folder / "start.mkv")],
        check=True,
        stdout=subprocess.DEVNULL,
    )
    return _children_s() - begin_s


def _children_s() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def join_costs(folder: Path) -> tuple[float, float]:
    """Return the seconds of joining for a piece, and for a GiB of lossless pictures."""
    few_s, _, _ = _joined(folder / "few.mkv", 48)
    many_s, pieces, _ = _joined(folder / "many.mkv", 1)
    large_s, _, size = _joined(folder / "large.mkv", 48, Size(2560, 1440))
    return max(0.0, many_s - few_s) / pieces, large_s / size * GIB


def _joined(target: Path, piece_frames: int, size: Size | None = None) -> tuple[float, int, int]:
    """Return the seconds of joining a run, its pieces and its bytes."""
    options = RunOptions(
        model="lite-fast-x2",
        scale=2,
        size=size,
        codec="ffv1",
        piece_frames=piece_frames,
        audio="none",
    )
    notes = SilentNotes()
    with opened(JobSpec.of(DEMO, target, options), notes, alone=True, anew=True) as shared:
        count = shared.cuts.count
        with PieceMaker(shared, notes) as maker:
            for piece in range(count):
                maker.make(piece)
        begin_s = time.process_time()
        written = join_all(shared, notes)
        return time.process_time() - begin_s, count, written.size_bytes
