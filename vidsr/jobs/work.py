"""Work on a shared job: piece by piece, each under a lease, until all are there."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from vidsr.jobs.maker import PieceMaker
from vidsr.jobs.shared_job import SharedJob
from vidsr.notes import Notes
from vidsr.video.folders.leases import STALE_S

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
    with PieceMaker(shared, notes, options.stale_s) as maker:
        while options.most is None or done.pieces < options.most:
            missing = _missing(shared, options)
            if not missing:
                break
            pieces = shared.folder.in_turn(missing, options.stale_s)
            taken = next((piece for piece in pieces if _made(maker, piece, done)), None)
            if taken is not None:
                told(taken, done.frames, len(missing) - 1)
            elif options.wait:
                time.sleep(POLL_S)
            else:
                break
    return done


def _missing(shared: SharedJob, options: WorkOptions) -> list[int]:
    wanted = range(shared.cuts.count) if options.only is None else [options.only]
    return shared.folder.missing(wanted)


def _made(maker: PieceMaker, piece: int, done: WorkDone) -> bool:
    """Make a piece unless somebody else does; return True if it was made here."""
    frames = maker.make(piece)
    if frames is None:
        return False
    done.pieces += 1
    done.frames += frames
    return True
