"""How long a mistake on the command line takes to be answered: every command, every mistake.

    python benchmarks/starting.py --json result.json

Each command line of ``tests/terminal/mistakes.py`` runs in a process of its own, and the best of
several runs counts. ``seconds`` is the wall clock, which a busy machine stretches; ``cpu_s`` is
the time that the process itself took on a core. Both begin before Python does.
"""

from __future__ import annotations

import argparse
import json
import os
import shlex
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))  # a checkout of which nothing is installed

from tests.terminal.mistakes import MISTAKES, MODULES, make_files  # noqa: E402
from vidsr.bench.machine import others_now, this_host  # noqa: E402

BAR_S = 0.5


@dataclass(frozen=True)
class Answer:
    """The best times of one command line, and how it ended."""

    line: str
    status: int
    seconds: float
    cpu_s: float


def lines() -> Iterator[tuple[str, list[str]]]:
    """Yield every command line to measure, as a command and its arguments."""
    for command in MODULES:
        yield command, ["--help"]
    for mistake in MISTAKES:
        yield mistake.command, mistake.line.split()


def once(command: str, arguments: Sequence[str], folder: Path) -> tuple[int, float, float]:
    """Run a command line. Returns its status, seconds, and seconds of the CPU."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "VIDSR_DATA": str(folder)}
    began = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-m", MODULES[command], *arguments],
        cwd=folder,
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    _, status, usage = os.wait4(process.pid, 0)
    took = time.perf_counter() - began
    process.returncode = os.waitstatus_to_exitcode(status)
    return process.returncode, took, usage.ru_utime + usage.ru_stime


def measure(command: str, arguments: Sequence[str], repeats: int, folder: Path) -> Answer:
    """Return the best of ``repeats`` runs of a command line."""
    runs = [once(command, arguments, folder) for _ in range(repeats)]
    return Answer(
        line=shlex.join([command, *arguments]),
        status=runs[0][0],
        seconds=round(min(run[1] for run in runs), 3),
        cpu_s=round(min(run[2] for run in runs), 3),
    )


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of this program."""
    parser = argparse.ArgumentParser(description="Measure how soon mistakes are answered.")
    parser.add_argument("--repeats", type=int, default=5, metavar="N", help="the runs of each (5)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="a file for the result")
    return parser


def main() -> int:
    """Measure and print; returns 1 if an answer takes longer than the bar allows."""
    args = build_parser().parse_args()
    others = others_now()
    answers = []
    with tempfile.TemporaryDirectory() as name:
        make_files(Path(name))
        for command, arguments in lines():
            answer = measure(command, arguments, args.repeats, Path(name))
            answers.append(answer)
            print(f"{answer.seconds:6.3f} s {answer.cpu_s:6.3f} s CPU  {answer.line}", flush=True)
    slowest = max(answers, key=lambda answer: answer.seconds)
    print(f"slowest: {slowest.seconds:.3f} s, {slowest.line}; the bar is {BAR_S} s")
    result = {
        "machine": asdict(this_host(None, others)),
        "repeats": args.repeats,
        "bar_s": BAR_S,
        "within_bar": slowest.seconds < BAR_S,
        "answers": [asdict(answer) for answer in answers],
    }
    if args.json:
        args.json.write_text(json.dumps(result, indent=1) + "\n")
    return int(not result["within_bar"])


if __name__ == "__main__":
    sys.exit(main())
