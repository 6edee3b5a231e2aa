"""Damaged files of every kind, each upscaled in a process of its own.

    python tools/fuzz.py --runs 2000 --seed 0

Ends with status 1 where a run was at fault; ``tests/fuzz/harness.py`` says what that is. The same
seed makes the same files, and ``--keep DIR`` keeps those of runs at fault. Linux only.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")  # before PyTorch: children are many and small
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from tests.fuzz.harness import fuzz


def main() -> int:
    """Fuzz as the command line says; return 1 where a run was at fault."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--runs", type=int, default=2000, help="how many files (2000)")
    parser.add_argument("--seed", type=int, default=0, help="the first run's number (0)")
    parser.add_argument("--jobs", type=int, default=2, help="runs at a time (2)")
    parser.add_argument("--keep", type=Path, default=None, metavar="DIR", help="where faults go")
    choices = parser.parse_args()
    began = time.monotonic()
    ends, faults = fuzz(choices.runs, choices.seed, choices.jobs, choices.keep)
    counts = ", ".join(f"{count} {name}" for name, count in sorted(ends.items()))
    print(f"{choices.runs} runs in {time.monotonic() - began:.0f} s: {counts}")
    return bool(faults)


if __name__ == "__main__":
    sys.exit(main())
