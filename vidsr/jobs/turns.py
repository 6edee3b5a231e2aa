"""Turns of one worker at the pieces of a folder: each made under a lease, none that is there."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from vidsr.errors import OutputError
from vidsr.video.folders.folder import HeldLease
from vidsr.video.folders.leases import STALE_S
from vidsr.video.pieces.job_folder import JobFolder

POLL_S = 0.5
MOST_POLL_S = 4.0  # of one that has waited for a while: many that wait ask a store for little else


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


def turns(
    folder: JobFolder, count: int, options: WorkOptions, make: Callable[[int], None]
) -> Iterator[tuple[int, int]]:
    """Yield each piece that was made here, and how many were missing then.

    Args:
        folder: The folder of the job.
        count: How many pieces the job has.
        options: The choices of the worker.
        make: A function that makes one piece and has the folder keep it.

    Raises:
        OSError: The folder cannot be read or written.
    """
    wanted, made = range(count) if options.only is None else [options.only], 0
    poll_s = POLL_S
    while options.most is None or made < options.most:
        missing = folder.missing(wanted)
        if not missing:
            return
        pieces = folder.in_turn(missing, options.stale_s)
        taken = next((p for p in pieces if _made(folder, p, options.stale_s, make)), None)
        if taken is not None:
            made, poll_s = made + 1, POLL_S
            yield taken, len(missing) - 1
        elif options.wait:
            time.sleep(poll_s * random.uniform(0.5, 1.0))  # not all at the same moment
            poll_s = min(2 * poll_s, MOST_POLL_S)
        else:
            return


def _made(folder: JobFolder, piece: int, stale_s: float, make: Callable[[int], None]) -> bool:
    """Make a piece unless somebody else does; return True if it was made here."""
    lease = take(folder, piece, stale_s)
    if lease is None:
        return False
    with lease:
        if not folder.missing([piece]):  # finished between the look and the lease
            return False
        make(piece)
    return True


def take(folder: JobFolder, piece: int, stale_s: float) -> HeldLease | None:
    """Return the lease of a piece, None where another holds it. Raises OutputError."""
    try:
        return folder.take(piece, stale_s)
    except OutputError:
        raise
    except OSError as error:
        reason = error.strerror or str(error)
        raise OutputError(
            f"{folder.name}: piece {piece} cannot be taken: {reason}",
            hint="finished pieces are kept; the same command goes on from there.",
        ) from error
