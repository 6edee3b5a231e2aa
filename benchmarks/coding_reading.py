"""Cost of reading what a codec did: CPU time of the whole command with and without it.

    python benchmarks/coding_reading.py --json benchmarks/results/NAME.json

The clip is ``examples/demo.mp4`` played to and fro, 320x180, upscaled by ``lite-x4``. Two ways take
turns, each run in a process of its own: ``without``, packets and pictures are not looked at;
``reading``, they are. Both run every frame through the network for clean pictures, which
``--strength 0`` keeps, so that nothing but the reading differs.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))  # a checkout of which nothing is installed

from foundation import DEMO, circumstances, part, run  # noqa: E402

BAR = 1.02
WAYS = ("without", "reading")
CHILD = "--child"


def child(way: str, arguments: list[str]) -> int:
    """Run the command in this process, blind to the codec if ``way`` is ``without``."""
    from vidsr.video.coding.coding_errors import CodingErrors
    from vidsr.video.source import file_source

    if way == "without":
        nothing: Callable[..., None] = lambda *_: None  # noqa: E731
        for name in ("packet", "picture", "of"):
            setattr(CodingErrors, name, nothing)
        setattr(file_source, "export_quantisers", nothing)  # noqa: B010
    from vidsr.cli import main as vidsr

    return vidsr(arguments)


def cpu_s(way: str, source: Path, target: Path) -> float:
    """Return the CPU seconds of one run, user and system, of all threads."""
    options = ["--model", "lite-x4", "--device", "cpu", "--strength", "0", "--overwrite", "-q"]
    command = [sys.executable, __file__, CHILD, way, str(source), "-o", str(target), *options]
    cost, _ = run(command)
    return cost.cpu_s


def measure(rounds: int, source: Path, target: Path) -> dict[str, list[float]]:
    """Return the CPU seconds of each way in every round; odd rounds go backwards."""
    found: dict[str, list[float]] = {way: [] for way in WAYS}
    for number in range(rounds):
        for way in WAYS if number % 2 == 0 else reversed(WAYS):
            found[way].append(cpu_s(way, source, target))
        print(number + 1, {way: round(times[-1], 2) for way, times in found.items()}, flush=True)
    return found


def summary(found: dict[str, list[float]]) -> dict[str, Any]:
    """Return medians, their ratio, and the ratio of every round with the middle of them."""
    medians = {way: median(times) for way, times in found.items()}
    ratios = [a / b for a, b in zip(found["reading"], found["without"], strict=True)]
    return {
        "cpu_s": {way: [round(time, 3) for time in times] for way, times in found.items()},
        "median_cpu_s": {way: round(value, 3) for way, value in medians.items()},
        "ratio_of_medians": round(medians["reading"] / medians["without"], 4),
        "median_of_ratios": round(median(ratios), 4),
    }


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of this program."""
    parser = argparse.ArgumentParser(description="Measure what reading the codec costs.")
    parser.add_argument("--rounds", type=int, default=12, metavar="N", help="runs of each way (12)")
    parser.add_argument("--frames", type=int, default=120, metavar="N", help="of the clip (120)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="a file for the result")
    return parser


def main() -> int:
    """Measure and print; returns 1 if reading costs more than the bar allows."""
    args = build_parser().parse_args()
    with tempfile.TemporaryDirectory() as name:
        source = Path(name) / "clip.mp4"
        part("clip", DEMO, source, args.frames)
        found = measure(args.rounds, source, Path(name) / "out.mkv")
    result = {"rounds": args.rounds, "frames": args.frames, "bar": BAR} | summary(found)
    print(json.dumps(result, indent=1))
    if args.json:
        args.json.write_text(json.dumps({"machine": circumstances(), **result}, indent=1) + "\n")
    return int(result["ratio_of_medians"] > BAR)


if __name__ == "__main__":
    if sys.argv[1:2] == [CHILD]:
        sys.exit(child(sys.argv[2], sys.argv[3:]))
    sys.exit(main())
