"""Work on a shared job: piece by piece, each under a lease, until all are there."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from vidsr.jobs.maker import PieceMaker
from vidsr.jobs.shared_job import SharedJob
from vidsr.jobs.turns import WorkOptions, turns
from vidsr.notes import Notes


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

    with PieceMaker(shared, notes, options.stale_s) as maker:

        def make(piece: int) -> None:
            done.frames += maker.upscale(piece)
            done.pieces += 1

        for piece, missing in turns(shared.folder, shared.cuts.count, options, make):
            told(piece, done.frames, missing)
    return done
