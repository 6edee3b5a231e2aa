"""Memory of long work: one film with and without pieces, and a batch of many clips.

    python benchmarks/long_memory.py --json long-memory.json

Each run is a process of its own. The film's peak is what the system counts. Of the batch, resident
memory is read as each file begins, from the progress that the command prints: it has to stay flat.
Clips of the batch differ in size, codec, container and length, as those of a folder do.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))  # a checkout of which nothing is installed

import av  # noqa: E402
from foundation import DEMO, circumstances  # noqa: E402
from pieces import make_film  # noqa: E402

MODEL = ("--model", "lite-fast-x2", "--scale", "2")
KINDS = (
    ("a.mp4", "libx264", "yuv420p"),
    ("b.mkv", "libx265", "yuv420p10le"),
    ("c.ts", "mpeg2video", "yuv420p"),
    ("d.avi", "mpeg4", "yuv420p"),
    ("e.mkv", "ffv1", "yuv444p"),
)
HEIGHTS = (48, 66, 90, 120)


def command(*arguments: str) -> list[str]:
    """Return a command line of vidsr."""
    return [sys.executable, "-m", "vidsr", *arguments]


def environment() -> dict[str, str]:
    """Return the environment of the runs, which take vidsr from this checkout."""
    return os.environ | {"PYTHONPATH": str(ROOT)}


def peak_mib(film: Path, target: Path, *options: str) -> float:
    """Return the peak of resident memory of a run, in MiB."""
    line = command(str(film), "-o", str(target), "-q", *MODEL, *options)
    process = subprocess.Popen(line, env=environment())
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"{' '.join(line)} ended with {status}")
    return float(usage.ru_maxrss) / 1024


def make_clip(path: Path, film: Path, encoder: str, pixels: str, height: int, frames: int) -> None:
    """Write the beginning of a film as another kind of clip."""
    with av.open(str(film)) as source, av.open(str(path), "w") as target:
        stream = target.add_stream(encoder, rate=25)
        assert isinstance(stream, av.VideoStream)
        if encoder == "libx265":
            stream.options = {"x265-params": "log-level=none"}
        width = round(height * 16 / 9 / 2) * 2
        stream.width, stream.height, stream.pix_fmt = width, height, pixels
        for number, image in enumerate(source.decode(video=0)):
            if number == frames:
                break
            target.mux(stream.encode(image.reformat(width, height, pixels)))
        target.mux(stream.encode(None))


def make_season(folder: Path, film: Path, clips: int) -> None:
    """Write clips of all kinds, each in a folder with its number."""
    for number in range(clips):
        name, encoder, pixels = KINDS[number % len(KINDS)]
        place = folder / f"{number:03d}"
        place.mkdir(parents=True)
        height = HEIGHTS[number // len(KINDS) % len(HEIGHTS)]
        make_clip(place / name, film, encoder, pixels, height, 10 + number % 30)


def resident_mib(process: int) -> float:
    """Return the resident memory of a process, in MiB."""
    pages = int(Path(f"/proc/{process}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def begins_file(line: str) -> bool:
    """Return True for the progress of a file that begins."""
    return line.startswith("{") and json.loads(line)["event"] == "file"


def batch(season: Path, out: Path) -> list[float]:
    """Return resident memory in MiB as each file of a batch begins."""
    line = command(str(season), "-o", f"{out}/", *MODEL, "--progress", "json")
    with subprocess.Popen(line, env=environment(), stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        found = [resident_mib(process.pid) for text in process.stderr if begins_file(text)]
    if process.returncode:
        raise SystemExit(f"the batch ended with {process.returncode}")
    return found


def measure(frames: int, clips: int, folder: Path) -> dict[str, Any]:
    """Return all measurements."""
    film = folder / "film.mp4"
    make_film(DEMO, film, frames, 90)
    peaks = {
        "pieces": peak_mib(film, folder / "a.mkv"),
        "whole": peak_mib(film, folder / "b.mkv", "--no-pieces"),
    }
    make_season(folder / "season", film, clips)
    return {
        "frames": frames,
        "peak_mib": peaks,
        "batch_mib": batch(folder / "season", folder / "o"),
    }


def main() -> None:
    """Measure, and print or write what was found."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--frames", type=int, default=2000, help="of the film (2000)")
    parser.add_argument("--clips", type=int, default=200, help="of the batch (200)")
    parser.add_argument("--json", type=Path, help="a file for the results")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        found = measure(arguments.frames, arguments.clips, Path(folder))
    for name, mib in found["peak_mib"].items():
        print(f"{found['frames']} frames, {name}: {mib:.0f} MiB at most")
    for number, mib in list(enumerate(found["batch_mib"], 1))[::20]:
        print(f"clip {number}: {mib:.0f} MiB")
    if arguments.json:
        arguments.json.write_text(json.dumps(circumstances() | found, indent=1) + "\n")


if __name__ == "__main__":
    main()
