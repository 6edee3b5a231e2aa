"""How steady the expected error is: clips encoded, neighbouring frames of one scene compared.

    python benchmarks/steady_strength.py CLIP... --json result.json

Each clip is shrunk to a quarter and encoded by every way below, with groups of 60 pictures and of
250. A border is where a new value may begin: a key frame, or a place 48 frames after the last one.
It counts where the scene is steady: consecutive originals there differ by no more than twice what
they do in the middle. Ratios belong to each border: the largest of two neighbouring frames within
half a second (``neighbours``), and that of the frames half a second before and after it
(``around``), the latter also with every picture taken as typically busy, which leaves what comes
of quantisers alone (``of_quantisers``).
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import Any
from unittest.mock import patch

import av
import numpy as np

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))  # a checkout of which nothing is installed

from coding_error import Options, encode, luma  # noqa: E402

from vidsr.models.strength_choice import StrengthChoice  # noqa: E402
from vidsr.models.zoo import load_model  # noqa: E402
from vidsr.picture.coding_error import CodingError  # noqa: E402
from vidsr.picture.frame import Frame  # noqa: E402
from vidsr.video.coding import coding_errors  # noqa: E402
from vidsr.video.coding.expected_error import TYPICAL_ACTIVITY  # noqa: E402
from vidsr.video.source.file_source import FileSource  # noqa: E402

PICTURES, SHRINK, HELD, AROUND = 160, 4, 48, 12
GROUPS = (60, 250)
LARGE = 1.05
WAYS: dict[str, tuple[str, Options]] = {
    "x264 crf": ("libx264", {"crf": "24", "preset": "faster"}),
    "x264 abr": ("libx264", {"b": "250000", "preset": "faster"}),
    "x265 crf": ("libx265", {"crf": "28", "preset": "ultrafast", "x265-params": "log-level=none"}),
    "vp9 crf": ("libvpx-vp9", {"crf": "36", "b": "0", "deadline": "realtime", "cpu-used": "7"}),
    "av1 crf": ("libsvtav1", {"crf": "38", "preset": "12"}),
    "mpeg2 abr": ("mpeg2video", {"b": "700000", "bf": "2"}),
}


@dataclass(frozen=True)
class Border:
    """One border in a steady scene: ratios of values, above 1, and steps of the network."""

    way: str
    key: bool
    neighbours: float
    around: float
    of_quantisers: float
    steps: int


def shrunk(path: Path) -> list[av.VideoFrame]:
    """Return the first pictures, a quarter as wide and high where the clip is large."""
    found = []
    with av.open(str(path)) as container:
        for image in container.decode(video=0):
            by = SHRINK if image.width >= 600 else 1
            size = {"width": image.width // by // 2 * 2, "height": image.height // by // 2 * 2}
            found.append(image.reformat(**size, format="yuv420p", interpolation="AREA"))
            if len(found) == PICTURES:
                break
    return found


def changes(pictures: Sequence[av.VideoFrame]) -> list[float]:
    """Return how far each picture is from the one before, mean of absolute levels; 0 at first."""
    lumas = [luma(image).astype(np.int16) for image in pictures]
    found = [float(np.abs(after - before).mean()) for before, after in pairwise(lumas)]
    return [0.0, *found]


def told(path: Path) -> list[CodingError]:
    """Return the expected errors of a file's frames."""
    with FileSource(path) as source:
        errors = [item.coding_error for item in source if isinstance(item, Frame)]
    return [error for error in errors if error is not None]


def keys(path: Path) -> list[bool]:
    """Return which pictures are key frames, in the order of display."""
    with av.open(str(path)) as container:
        return [bool(image.key_frame) for image in container.decode(video=0)]


def border_places(key: Sequence[bool]) -> Iterator[int]:
    """Yield the numbers of pictures with which a value may begin, but for the first."""
    since = 0
    for number, is_key in enumerate(key):
        since = 0 if is_key else since + 1
        if number and since % HELD == 0:
            yield number


def ratio(one: float, other: float) -> float:
    """Return how much larger the larger is."""
    low, high = sorted((max(one, 1e-3), max(other, 1e-3)))
    return high / low


def borders(
    way: str, path: Path, moves: Sequence[float], choice: StrengthChoice
) -> Iterator[Border]:
    """Yield the borders of an encode that lie in steady scenes."""
    found, key = told(path), keys(path)
    with patch.object(coding_errors, "activity", lambda *_: TYPICAL_ACTIVITY):
        plain = told(path)
    levels, alone = [e.levels for e in found], [e.levels for e in plain]
    steps, usual = [choice.step_of(e) for e in found], median(moves[1:])
    for at in border_places(key):
        first, last = max(0, at - AROUND), min(len(levels) - 1, at + AROUND)
        if last >= len(moves) or max(moves[first + 1 : last + 1]) > 2 * usual + 0.5:
            continue
        pairs = range(first + 1, last + 1)
        yield Border(
            way,
            key[at],
            max(ratio(levels[i - 1], levels[i]) for i in pairs),
            ratio(levels[first], levels[last]),
            ratio(alone[first], alone[last]),
            max(abs(steps[i] - steps[i - 1]) for i in pairs),
        )


def measure(paths: Sequence[Path], ways: Sequence[str]) -> Iterator[Border]:
    """Yield the borders of all encodes."""
    choice = StrengthChoice(load_model("lite-x4"))
    with tempfile.TemporaryDirectory() as folder:
        for path in paths:
            pictures = shrunk(path)
            moves = changes(pictures)
            for way in ways:
                codec, options = WAYS[way]
                for group in GROUPS:
                    file = Path(folder) / "clip.mkv"
                    made = encode(pictures, codec, options | {"g": str(group)})
                    file.write_bytes(made.getbuffer())
                    yield from borders(way, file, moves, choice)


def summary(found: Sequence[Border]) -> dict[str, Any]:
    """Return shares of borders with more than 5 % of change, medians and the largest."""
    if not found:
        return {"borders": 0}

    def of(name: str) -> dict[str, float]:
        values = np.array([getattr(each, name) for each in found])
        return {
            "share_above_5_percent": round(float((values > LARGE).mean()), 3),
            "median": round(float(np.median(values)), 3),
            "p90": round(float(np.quantile(values, 0.9)), 3),
            "largest": round(float(values.max()), 3),
        }

    steps = np.array([each.steps for each in found])
    names = ("neighbours", "around", "of_quantisers")
    return {
        "borders": len(found),
        "key_frames": sum(each.key for each in found),
        **{name: of(name) for name in names},
        "share_with_another_step": round(float((steps > 0).mean()), 3),
        "share_with_steps_skipped": round(float((steps > 1).mean()), 3),
    }


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("clips", nargs="+", type=Path)
    parser.add_argument("--way", action="append", choices=WAYS, help="may be repeated")
    parser.add_argument("--json", type=Path, help="file for the result")
    arguments = parser.parse_args()
    av.logging.set_level(av.logging.PANIC)
    ways = arguments.way or list(WAYS)
    found = list(measure(arguments.clips, ways))
    result = {"all": summary(found)}
    for kind, is_key in (("at key frames", True), ("between them", False)):
        result[kind] = summary([each for each in found if each.key is is_key])
    result |= {way: summary([each for each in found if each.way == way]) for way in ways}
    print(json.dumps(result, indent=1))
    if arguments.json:
        clips = [path.name for path in arguments.clips]
        text = json.dumps({"clips": clips, "pictures": PICTURES, **result}, indent=1)
        arguments.json.write_text(text + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
