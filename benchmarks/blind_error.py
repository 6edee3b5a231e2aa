"""How well luma alone tells the error of a picture: ``CLIP... --json blind-error.json``.

Each clip is shrunk, coded once and twice, and decoded. Of the first picture stand there the error
that is true, what the stream tells, and what the luma tells.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import av
import numpy as np
import torch
from blind_gain import ONCE, TWICE, generations, pairs, told

from vidsr.quality.footage.codings import parse_codings
from vidsr.video.coding.blind.estimate import look

MORE = (
    "h264:14 h264:26 h264:30 h265:18 h265:30 vp9:30 vp9:46 av1:30 av1:50 mpeg2:6 mjpeg:6 "
    "mjpeg:8>h264:18 h264:33>h264:14 av1:50>none h265:32>none"
)
CLEAN = 0.8  # levels below which every network chooses its first step


def measured(
    path: Path, start_s: float, scale: int, codings: Sequence[str]
) -> Iterator[dict[str, Any]]:
    """Yield a row for each chain of codecs."""
    small = [each.small for each in pairs(path, start_s, scale)]
    for chain in codings:
        with TemporaryDirectory() as name:
            parts = [parse_codings([each])[-1] for each in chain.split(">")]
            frames = told(generations(small, parts, Path(name)), look=False)
        first, clean = frames[0], small[0].planes[0]
        seen = look(first.planes[0].numpy(), 8)
        stream = first.coding_error.levels if first.coding_error else 0.0
        true = float((first.planes[0].float() - clean.float()).square().mean().sqrt())
        row = {"clip": path.stem, "coding": chain, "true": true, "stream": stream}
        looked = not chain.rpartition(">")[2].startswith(("mpeg", "mjpeg"))
        both = seen.beyond(stream) if looked else stream
        row |= {
            "least": seen.least,
            "likely": seen.likely,
            "alone": seen.beyond(0),
            "with": both,
        }
        yield {
            name: round(each, 2) if isinstance(each, float) else each for name, each in row.items()
        }


def summary(rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return how far off the luma alone is, by how often a picture was coded."""
    found: dict[str, Any] = {}
    for name, some in (
        ("clean", [r for r in rows if r["coding"] == "none"]),
        ("once", [r for r in rows if ">" not in r["coding"] and r["coding"] != "none"]),
        ("twice", [r for r in rows if ">" in r["coding"]]),
    ):
        true, alone = (np.array([row[key] for row in some]) for key in ("true", "alone"))
        found[name] = {"pictures": len(some), "above_0.8": round(float((alone > CLEAN).mean()), 3)}
        if name == "clean":
            continue
        off = np.abs(alone / true - 1)[alone > 0]
        stream, both = (np.array([row[key] for row in some]) for key in ("stream", "with"))
        found[name] |= {
            "correlation": round(float(np.corrcoef(true, alone)[0, 1]), 3),
            "median_share_off": round(float(np.median(off)), 3),
            "raised": round(float((both > stream).mean()), 3),
            "raised_beyond_true": round(float((both > np.maximum(stream, true * 1.2)).mean()), 3),
        }
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("clips", nargs="+", help="FILE or FILE@SECONDS")
    parser.add_argument("--scale", type=int, default=4)
    parser.add_argument("--codings", default=f"{ONCE} {TWICE} {MORE}")
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    av.logging.set_level(av.logging.PANIC)
    torch.set_num_threads(1)
    rows: list[dict[str, Any]] = []
    for each in arguments.clips:
        name, _, start = each.partition("@")
        rows += measured(Path(name), float(start or 0), arguments.scale, arguments.codings.split())
        print(each, len(rows), file=sys.stderr, flush=True)
    result = {"scale": arguments.scale, "summary": summary(rows), "encodes": rows}
    print(json.dumps(result["summary"], indent=1))
    if arguments.json:
        lines = ",\n".join(json.dumps(row) for row in rows)
        head = json.dumps({"scale": arguments.scale, "summary": result["summary"]}, indent=1)
        arguments.json.write_text(f'{head[:-2]},\n "encodes": [\n{lines}\n]}}\n', encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
