"""Share of pixels computed and CPU time saved by reuse, on cameras, a screen and a boxed film.

    python benchmarks/reuse.py --cameras DIR \\
        --json benchmarks/results/reuse-NAME.json

Every frame is upscaled without reuse, with exact and with near reuse, in turns, by one process with
one thread of PyTorch; times are those of the CPU. Exact results are compared bit by bit with those
without, near ones by PSNR and by their greatest difference. The screen and the film are drawn here.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
import tempfile
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from statistics import mean, median
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))  # a checkout of which nothing is installed

import torch  # noqa: E402
from foundation import DEMO, circumstances  # noqa: E402
from reuse_clips import encode, film, screen  # noqa: E402

from vidsr.picture.frame import Frame  # noqa: E402
from vidsr.upscaling.reuse.rule import Reuse  # noqa: E402
from vidsr.upscaling.session import Flow, Session  # noqa: E402
from vidsr.upscaling.upscaler import Upscaler  # noqa: E402
from vidsr.video.source.file_source import FileSource  # noqa: E402

MODES = ("off", "exact", "near")
WARM = 3  # frames at the start that are not counted: kernels are chosen, whole frames timed


def frames_of(path: Path, count: int) -> Iterator[Frame]:
    """Yield decoded frames of a clip, with what its codec did to them."""
    source = FileSource(str(path))
    try:
        yield from islice((item for item in source if isinstance(item, Frame)), count)
    finally:
        source.close()


class Error:
    """Difference of a stream's luma from another's, in levels of its depth."""

    def __init__(self) -> None:
        self.squares: list[float] = []
        self.greatest, self.equal = 0, True

    def add(self, found: Frame, expected: Frame) -> None:
        """Compare two frames."""
        self.equal &= all(map(torch.equal, found.planes, expected.planes))
        apart = found.planes[0].int() - expected.planes[0].int()
        self.squares.append(float(apart.float().square().mean()))
        self.greatest = max(self.greatest, int(apart.abs().max()))

    def record(self) -> dict[str, Any]:
        """Return the difference with the keys of JSON; no PSNR where there is none."""
        square = mean(self.squares)
        psnr = round(10 * math.log10(255**2 / square), 2) if square else None
        return {"bit_equal": self.equal, "psnr_db": psnr, "greatest_levels": self.greatest}


def measure(path: Path, model: str, precision: str, count: int) -> dict[str, Any]:
    """Return times, shares and errors of all modes on one clip."""
    upscalers = {
        mode: Upscaler(model, device="cpu", precision=precision)  # type: ignore[arg-type]
        for mode in MODES
    }
    sessions = {
        mode: Session(upscaler.pool, Flow(latency=0), reuse=Reuse(mode))  # type: ignore[arg-type]
        for mode, upscaler in upscalers.items()
    }
    times: dict[str, list[float]] = {mode: [] for mode in MODES}
    shares: dict[str, list[float]] = {mode: [] for mode in MODES}
    errors = {mode: Error() for mode in MODES[1:]}
    for number, frame in enumerate(frames_of(path, count)):
        turn = number % len(MODES)
        large = {}
        for mode in MODES[turn:] + MODES[:turn]:
            began = time.process_time()
            (large[mode],) = sessions[mode].push(frame)
            if number >= WARM:
                times[mode].append(1000 * (time.process_time() - began))
                shares[mode].append(sessions[mode].reused.last_share if mode != "off" else 1.0)
        for mode, error in errors.items():
            error.add(large[mode], large["off"])
    result = {
        mode: {
            "computed_share": round(mean(shares[mode]), 4),
            "median_share": round(median(shares[mode]), 4),
            "cpu_ms_per_frame": round(mean(times[mode]), 2),
            "time_of_off": round(sum(times[mode]) / sum(times["off"]), 4),
            "median_ratio": round(
                median(a / b for a, b in zip(times[mode], times["off"], strict=True)), 4
            ),
        }
        | (errors[mode].record() if mode in errors else {})
        for mode in MODES
    }
    for mode in MODES:
        sessions[mode].close()
        upscalers[mode].close()
    return result


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of this program."""
    parser = argparse.ArgumentParser(description="Measure what reuse saves.")
    parser.add_argument("--cameras", type=Path, metavar="DIR", help="a folder of *.mp4 to measure")
    parser.add_argument("--drawn", default="screen,film", metavar="LIST", help="(screen,film)")
    parser.add_argument("--models", default="lite-fast-x2", metavar="LIST", help="(lite-fast-x2)")
    parser.add_argument("--precision", default="auto", metavar="NAME", help="(auto)")
    parser.add_argument("--frames", type=int, default=100, metavar="N", help="of each clip (100)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="a file for the result")
    return parser


def main() -> int:
    """Measure and print; returns 1 if exact reuse changed a bit anywhere."""
    args = build_parser().parse_args()
    torch.set_num_threads(1)
    results: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as name:
        clips = {"screen": Path(name) / "screen.mp4", "film": Path(name) / "film.mp4"}
        encode(clips["screen"], screen(args.frames))
        encode(clips["film"], film(args.frames // 2, DEMO))
        clips = {clip: clips[clip] for clip in args.drawn.split(",") if clip}
        clips |= {path.stem: path for path in sorted((args.cameras or Path(name)).glob("*-*.mp4"))}
        for model in args.models.split(","):
            for clip, path in clips.items():
                found = measure(path, model, args.precision, args.frames)
                results[f"{clip} {model}"] = found
                print(clip, model, json.dumps(found, indent=1), flush=True)
                record = {"machine": circumstances(), "frames": args.frames, "results": results}
                if args.json:
                    args.json.write_text(json.dumps(record, indent=1) + "\n")
    return int(not all(found["exact"]["bit_equal"] for found in results.values()))


if __name__ == "__main__":
    sys.exit(main())
