"""What pieces cost: size and time of a run that can go on, against one encoder for all.

    python benchmarks/pieces.py --clips carphone.mp4 --json pieces.json

Films are clips looped at a small size, the demonstration clip first. Each is upscaled in pieces of
the default length and by one encoder, in turns, in one process; ratios are those of one round, and
medians of them are held against the bars: 1 % of size, 2 % of time.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from fractions import Fraction
from itertools import islice
from pathlib import Path
from statistics import median
from typing import Any

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # before PyTorch: CPU time counts work alone

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))  # a checkout of which nothing is installed

import av  # noqa: E402
from foundation import DEMO, circumstances  # noqa: E402

from vidsr.api import upscale  # noqa: E402

SIZE_BAR, TIME_BAR = 1.01, 1.02
RATE = 25
MODES: dict[str, dict[str, Any]] = {"whole": {"no_pieces": True}, "pieces": {}}


def pictures(path: Path, width: int, height: int) -> Iterator[av.VideoFrame]:
    """Yield the pictures of a clip again and again, at another size."""
    while True:
        with av.open(str(path)) as container:
            for image in container.decode(video=0):
                yield image.reformat(width=width, height=height, format="yuv420p")


def make_film(clip: Path, film: Path, frames: int, height: int) -> None:
    """Loop a clip into a film of nearly lossless H.264."""
    with av.open(str(clip)) as container:
        video = container.streams.video[0]
        width = round(video.width * height / video.height / 2) * 2
    with av.open(str(film), "w") as target:
        options = {"crf": "10", "preset": "veryfast"}
        stream = target.add_stream("libx264", rate=RATE, options=options)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        for number, image in enumerate(islice(pictures(clip, width, height), frames)):
            fresh = av.VideoFrame.from_ndarray(image.to_ndarray(), format="yuv420p")
            fresh.pts, fresh.time_base = number, Fraction(1, RATE)
            target.mux(stream.encode(fresh))
        target.mux(stream.encode(None))


def run(film: Path, target: Path, options: dict[str, Any]) -> dict[str, float]:
    """Upscale once; return bytes of the target, and seconds of the wall and of the CPUs."""
    began_s, cpu_s = time.perf_counter(), time.process_time()
    report = upscale(film, target, overwrite=True, **options)
    return {
        "bytes": report.output_bytes,
        "wall_s": time.perf_counter() - began_s,
        "cpu_s": time.process_time() - cpu_s,
    }


def measure(film: Path, folder: Path, options: dict[str, Any], rounds: int) -> dict[str, Any]:
    """Return the rounds over one film, and the medians of their ratios."""
    run(
        film, folder / "target.mkv", options | {"duration": 2.0}
    )  # libraries loaded, kernels chosen
    made = []
    for number in range(rounds):
        order = [*MODES] if number % 2 == 0 else [*reversed(MODES)]
        target = folder / "target.mkv"
        made.append({mode: run(film, target, options | MODES[mode]) for mode in order})
    ratios = {
        name: round(median(one["pieces"][name] / one["whole"][name] for one in made), 5)
        for name in ("bytes", "wall_s", "cpu_s")
    }
    return {"ratios": ratios, "rounds": made}


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of this program."""
    parser = argparse.ArgumentParser(description="Measure what pieces cost.")
    parser.add_argument("--clips", nargs="*", type=Path, default=[], help="beside the demo clip")
    parser.add_argument("--codecs", default="h264", metavar="LIST", help="(h264)")
    parser.add_argument("--model", default="lite-fast-x2", metavar="NAME", help="(lite-fast-x2)")
    parser.add_argument("--frames", type=int, default=3000, metavar="N", help="of a film (3000)")
    parser.add_argument("--height", type=int, default=72, metavar="N", help="of a film (72)")
    parser.add_argument("--rounds", type=int, default=3, metavar="N", help="(3)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="a file for the result")
    return parser


def main() -> int:
    """Measure and print; returns 1 where a bar is missed."""
    args = build_parser().parse_args()
    logging.disable(logging.WARNING)
    results: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for clip in [DEMO, *args.clips]:
            make_film(clip, folder / "film.mp4", args.frames, args.height)
            for codec in args.codecs.split(","):
                options = {"model": args.model, "codec": codec}
                found = measure(folder / "film.mp4", folder, options, args.rounds)
                results[f"{clip.stem} {codec}"] = found
                print(clip.stem, codec, json.dumps(found["ratios"]), flush=True)
                record = {
                    "machine": circumstances(),
                    "options": {"frames": args.frames, "height": args.height, "model": args.model},
                    "bars": {"bytes": SIZE_BAR, "wall_s": TIME_BAR},
                    "results": results,
                }
                if args.json:
                    args.json.write_text(json.dumps(record, indent=1) + "\n")
    ratios = [found["ratios"] for found in results.values()]
    return int(any(one["bytes"] > SIZE_BAR or one["wall_s"] > TIME_BAR for one in ratios))


if __name__ == "__main__":
    sys.exit(main())
