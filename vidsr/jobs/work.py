"""Work on a shared job: piece by piece, each under a lease, until all are there."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, replace

from vidsr.errors import OutputError
from vidsr.jobs.shared_job import SharedJob
from vidsr.notes import Notes, SilentNotes
from vidsr.run.job import source_request
from vidsr.run.loop import upscale_job
from vidsr.run.piece_run import made_by, source_from
from vidsr.video.folders.folder import HeldLease
from vidsr.video.folders.leases import STALE_S
from vidsr.video.pieces.one_piece import OnePieceOpener
from vidsr.video.pieces.piece_range import PieceItems, PieceReader
from vidsr.video.source.base import FrameSource
from vidsr.video.source.source_kinds import open_source

POLL_S = 0.5


@dataclass(frozen=True)
class WorkOptions:
    """Choices of one worker.

    Args:
        only: The one piece to make, None for whatever is missing.
        most: Most pieces to make, None for all.
        wait: True to wait for pieces that others make, and to make them if they do not.
        stale_s: Seconds after which a lease that nobody renews is anybody's.
    """

    only: int | None = None
    most: int | None = None
    wait: bool = True
    stale_s: float = STALE_S


@dataclass
class WorkDone:
    """What one worker did: pieces and frames."""

    pieces: int = 0
    frames: int = 0


Told = Callable[[int, int, int], None]
"""A function of a finished piece, its frames, and how many pieces are missing still."""


def work(
    shared: SharedJob, options: WorkOptions, notes: Notes, told: Told = lambda *_: None
) -> WorkDone:
    """Make missing pieces until there are none, or as ``options`` say. Raises a VidsrError."""
    done = WorkDone()
    if shared.folder.finished_target(shared.job.output.target.place) is not None:
        return done  # joined by one that was struck before it removed the folder
    reader = PieceReader(lambda piece: _source(shared, piece), shared.cuts)
    with closing(reader):
        while options.most is None or done.pieces < options.most:
            missing = _missing(shared, options)
            if not missing:
                break
            pieces = shared.folder.in_turn(missing, options.stale_s)
            taken = next(
                (p for p in pieces if _make(shared, p, options, reader, notes, done)), None
            )
            if taken is not None:
                told(taken, done.frames, len(missing) - 1)
            elif options.wait:
                time.sleep(POLL_S)
            else:
                break
    return done


def _source(shared: SharedJob, piece: int) -> FrameSource:
    """Open the source anew, so that it can be closed: the job's own is kept for its header."""
    job, spec = shared.job, shared.spec
    source = source_from(job, spec, shared.cuts, piece)
    if source is not job.source:
        return source
    request = source_request(spec.options, job.output.target)
    return open_source(spec.source, request, SilentNotes(), job.openers.sources)


def _missing(shared: SharedJob, options: WorkOptions) -> list[int]:
    wanted = range(shared.cuts.count) if options.only is None else [options.only]
    return shared.folder.missing(wanted)


def _take(shared: SharedJob, piece: int, stale_s: float) -> HeldLease | None:
    try:
        return shared.folder.take(piece, stale_s)
    except OutputError:
        raise
    except OSError as error:
        reason = error.strerror or str(error)
        raise OutputError(
            f"{shared.folder.name}: piece {piece} cannot be taken: {reason}",
            hint="finished pieces are kept; the same command goes on from there.",
        ) from error


def _make(
    shared: SharedJob,
    piece: int,
    options: WorkOptions,
    reader: PieceReader,
    notes: Notes,
    done: WorkDone,
) -> bool:
    """Make a piece unless somebody else does; return True if it was made here."""
    folder, job = shared.folder, shared.job
    lease = _take(shared, piece, options.stale_s)
    if lease is None:
        return False
    with lease:
        if folder.has(piece):  # finished between the look and the lease
            return False
        opener = OnePieceOpener(piece, folder, lambda: made_by(job))
        source = PieceItems(reader, piece, job.source.header)
        openers = job.openers.adding(sink=opener)
        finished = upscale_job(replace(job, source=source, openers=openers), notes)
    done.pieces += 1
    done.frames += finished.written.frames
    return True
