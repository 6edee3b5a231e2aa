"""Count what many workers at one folder do twice or lose, and what taking turns costs.

    python tools/many_workers.py                                       16 workers, 200 pieces
    python tools/many_workers.py --kills 4 --folder /mnt/nfs/trial
    python tools/many_workers.py --folder s3://bucket/trial
    python tools/many_workers.py --simulated-s3                        on a store of its own

The exit status is 1 where a piece is missing, was made twice, or a lease was lost.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from tests.jobs.many_workers import Outcome, begin, run
from tests.servers.s3 import configuration, s3_server
from vidsr.video.locator import Locator


def main() -> int:
    """Run the command and return its exit status."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--workers", type=int, default=16)
    parser.add_argument("--pieces", type=int, default=200)
    parser.add_argument("--piece-s", type=float, default=0.02, help="seconds of a piece")
    parser.add_argument("--kills", type=int, default=0, help="workers that are killed")
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--folder", help="a new folder (a temporary one)")
    parser.add_argument("--simulated-s3", action="store_true")
    arguments = parser.parse_args()
    good = True
    with ExitStack() as stack:
        for number in range(arguments.rounds):
            outcome = _round(arguments, number, stack)
            print(_line(outcome), flush=True)
            clean = not (outcome.twice or outcome.lost or outcome.failed)
            good = good and clean and outcome.pieces == arguments.pieces
    return 0 if good else 1


def _round(arguments: argparse.Namespace, number: int, stack: ExitStack) -> Outcome:
    scratch = Path(stack.enter_context(tempfile.TemporaryDirectory()))
    place = arguments.folder or str(scratch / "job")
    if arguments.simulated_s3:
        os.environ |= configuration(stack.enter_context(s3_server()))
        place = "s3://films/job"
    locator, log = Locator.of(f"{place}-{number}"), scratch / "log"
    log.mkdir()
    begin(locator)
    return run(
        locator,
        log,
        workers=arguments.workers,
        pieces=arguments.pieces,
        piece_s=arguments.piece_s,
        kills=arguments.kills,
    )


def _line(outcome: Outcome) -> str:
    idle_s = outcome.elapsed_s
    return (
        f"{outcome.pieces} pieces made {outcome.made} times, {outcome.twice} twice, "
        f"{outcome.lost} leases lost, {outcome.killed} workers killed, {outcome.failed} failed, "
        f"{idle_s:.1f} s in all, {outcome.busy_s / max(1, outcome.made) * 1e3:.0f} ms a piece"
    )


if __name__ == "__main__":
    sys.exit(main())
