"""Runs killed at random moments and gone on with, each compared with one that nobody disturbed.

    python tools/kill_runs.py --runs 200 --seed 1

Ends with status 1 where a target differs; ``tests/kills/harness.py`` says what is done. Linux only.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")  # before PyTorch: the runs are many and small
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from tests.kills.harness import try_kinds


def main() -> int:
    """Kill runs as the command line says; return 1 where a target differs."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--runs", type=int, default=200, help="runs in all (200)")
    parser.add_argument("--seed", type=int, default=1, help="the random seed (1)")
    choices = parser.parse_args()
    return int(try_kinds(choices.runs, choices.seed) > 0)


if __name__ == "__main__":
    sys.exit(main())
