"""Work on a shared job: piece by piece, each under a lease, until all are there."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, replace

from vidsr.jobs.shared_job import SharedJob
from vidsr.jobs.turns import WorkOptions, turns
from vidsr.notes import Notes, SilentNotes
from vidsr.run.job import source_request
from vidsr.run.loop import upscale_job
from vidsr.run.piece_run import made_by, source_from
from vidsr.video.pieces.one_piece import OnePieceOpener
from vidsr.video.pieces.piece_range import PieceItems, PieceReader
from vidsr.video.source.base import FrameSource
from vidsr.video.source.source_kinds import open_source


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

    def make(piece: int) -> None:
        done.frames += _make(shared, piece, reader, notes)
        done.pieces += 1

    with closing(reader):
        for piece, missing in turns(shared.folder, shared.cuts.count, options, make):
            told(piece, done.frames, missing)
    return done


def _source(shared: SharedJob, piece: int) -> FrameSource:
    """Open the source anew, so that it can be closed: the job's own is kept for its header."""
    job, spec = shared.job, shared.spec
    source = source_from(job, spec, shared.cuts, piece)
    if source is not job.source:
        return source
    request = source_request(spec.options, job.output.target)
    return open_source(spec.source, request, SilentNotes(), job.openers.sources)


def _make(shared: SharedJob, piece: int, reader: PieceReader, notes: Notes) -> int:
    """Make a piece and return its frames."""
    job = shared.job
    opener = OnePieceOpener(piece, shared.folder, lambda: made_by(job))
    source = PieceItems(reader, piece, job.source.header)
    openers = job.openers.adding(sink=opener)
    return upscale_job(replace(job, source=source, openers=openers), notes).written.frames
