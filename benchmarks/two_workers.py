"""Whether two workers on one machine take longer than one process with the same cores.

    python benchmarks/two_workers.py --seconds 600           # ten minutes, looped from the clips
    python benchmarks/two_workers.py --seconds 60 --clips examples/demo.mp4

The clips of a folder, or one clip, are looped into a film of small pictures; the command upscales
it with `--jobs 1` and with `--jobs 2`, by turns, in pieces of 250 frames each time. The bar: two
workers take at most 1.05 times as long, and their target is the same to the byte.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from fractions import Fraction
from pathlib import Path

import av

ROOT = Path(__file__).parents[1]
BAR = 1.05
SIZE, RATE = (320, 180), 24
SUFFIXES = (".mp4", ".mkv", ".mov", ".webm")


@dataclass(frozen=True)
class Outcome:
    """What was measured.

    Args:
        frames: Frames of the film.
        one_s: Wall seconds of one process, of each round.
        two_s: Wall seconds of two workers, of each round.
        ratio: The least of two workers over the least of one.
        equal: True if the targets are equal to the byte.
        cores: Cores that both had.
        load_average: Of the machine at the end, over five minutes.
    """

    frames: int
    one_s: list[float]
    two_s: list[float]
    ratio: float
    equal: bool
    cores: int
    load_average: float


def clips_of(place: Path) -> list[Path]:
    """Return the clip, or all clips of a folder.

    Raises SystemExit where there is none.
    """
    if place.is_file():
        return [place]
    found = sorted(path for path in place.iterdir() if path.suffix in SUFFIXES)
    if not found:
        raise SystemExit(f"{place}: expected clips ({', '.join(SUFFIXES)}), got none")
    return found


def pictures(clips: Iterable[Path]) -> Iterator[av.VideoFrame]:
    """Yield pictures of one size, clip after clip for ever."""
    for clip in itertools.cycle(clips):
        with av.open(str(clip)) as container:
            for frame in container.decode(video=0):
                yield frame.reformat(*SIZE, format="yuv420p")


def make_film(clips: list[Path], frames: int, film: Path) -> None:
    """Write the film."""
    with av.open(str(film), "w") as container:
        stream = container.add_stream("libx264", rate=RATE, options={"preset": "veryfast"})
        stream.width, stream.height = SIZE
        stream.pix_fmt, stream.time_base = "yuv420p", Fraction(1, RATE)
        for number, frame in enumerate(itertools.islice(pictures(clips), frames)):
            frame.pts, frame.time_base, frame.pict_type = number, Fraction(1, RATE), 0
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


def run(film: Path, target: Path, jobs: int) -> float:
    """Return the wall seconds of the command."""
    words = [str(film), "-o", str(target), "--model", "lite-fast-x2", "--overwrite", "-q"]
    words += ["--piece-frames", "250", "--jobs", str(jobs)]
    begin_s = time.perf_counter()
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    subprocess.run([sys.executable, "-m", "vidsr", *words], check=True, env=environment)
    return time.perf_counter() - begin_s


def measure(clips: list[Path], frames: int, rounds: int) -> Outcome:
    """Return what the rounds took."""
    one_s, two_s = list[float](), list[float]()
    with tempfile.TemporaryDirectory(prefix="vidsr-two-") as name:
        film, one, two = (Path(name) / f"{part}.mkv" for part in ("film", "one", "two"))
        make_film(clips, frames, film)
        for _ in range(rounds):
            one_s.append(run(film, one, 1))
            two_s.append(run(film, two, 2))
        equal = one.read_bytes() == two.read_bytes()
    cores = len(os.sched_getaffinity(0))
    ratio = min(two_s) / min(one_s)
    return Outcome(frames, one_s, two_s, ratio, equal, cores, os.getloadavg()[1])


def main() -> int:
    """Run the program; the exit status is 1 where the bar is missed."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--seconds", type=float, default=600.0, help="length of the film (600)")
    parser.add_argument("--clips", type=Path, default=ROOT / "examples" / "demo.mp4")
    parser.add_argument("--rounds", type=int, default=1, help="of both, by turns (1)")
    parser.add_argument("--json", type=Path, help="a file for the result")
    arguments = parser.parse_args()
    frames = round(arguments.seconds * RATE)
    outcome = measure(clips_of(arguments.clips), frames, arguments.rounds)
    print(json.dumps(asdict(outcome), indent=1))
    if arguments.json:
        arguments.json.write_text(json.dumps(asdict(outcome), indent=1) + "\n")
    holds = outcome.equal and outcome.ratio <= BAR
    print(f"{outcome.ratio:.3f}, bar {BAR}: {'holds' if holds else 'is missed'}", file=sys.stderr)
    return 0 if holds else 1


if __name__ == "__main__":
    sys.exit(main())
