"""Clips of a folder upscaled in pieces of several lengths, each held against one encoder for all.

    python tools/pieces_corpus.py FOLDER --pieces 1,7,50,250

Equal must be: every frame that encoders get, times and lengths of all frames, packets of all other
streams, and what the target decodes to (FFV1 loses nothing). Ends with status 1 where one differs.
"""

from __future__ import annotations

import argparse
import hashlib
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, fields
from fractions import Fraction
from pathlib import Path
from typing import Any
from unittest import mock

import av
import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from vidsr.api import upscale
from vidsr.errors import VidsrError
from vidsr.picture.frame import Frame
from vidsr.video.sink import encoder_images
from vidsr.video.sink.output_plan import OutputPlan

USERS = ("vidsr.video.sink.file_sink", "vidsr.video.pieces.piece_encoder")
LEAST_FRAMES = 9


@dataclass
class Seen:
    """What a run did, as far as pieces may not change it.

    Args:
        encoded: Digest and time of each frame that an encoder got.
        times: Time and length of each packet of the video, in order of showing.
        others: Digests of the packets of each other stream, with their times.
        shown: Digest of each frame that the target decodes to.
        failure: The kind of the error that ended the run.
    """

    encoded: list[tuple[str, int | None]] = field(default_factory=list)
    times: list[tuple[int, int]] = field(default_factory=list)
    others: dict[int, list[tuple[str, int | None]]] = field(default_factory=dict)
    shown: list[str] = field(default_factory=list)
    failure: str = ""

    def differences(self, other: Seen) -> list[str]:
        """Return the names of what is not equal."""
        names = (each.name for each in fields(self))
        return [name for name in names if getattr(self, name) != getattr(other, name)]


def digest(image: av.VideoFrame) -> str:
    """Return the digest of a picture's samples, without what lies between its lines."""
    total = hashlib.blake2b(image.format.name.encode(), digest_size=8)
    for plane, component in zip(image.planes, image.format.components, strict=False):
        lines = np.frombuffer(bytes(plane), np.uint8).reshape(-1, plane.line_size)
        total.update(lines[: plane.height, : plane.width * -(-component.bits // 8)].tobytes())
    return total.hexdigest()


@contextmanager
def watched(seen: Seen) -> Iterator[list[str]]:
    """Yield a list of the encoders' owners, a name a frame; digests of frames go to ``seen``."""
    owners: list[str] = []

    def watch(owner: str) -> Any:
        def encoder_image(frame: Frame, plan: OutputPlan) -> av.VideoFrame:
            pts = frame.pts
            image = encoder_images.encoder_image(frame, plan)
            seen.encoded.append((digest(image), pts))
            owners.append(owner)
            return image

        return mock.patch(f"{owner}.encoder_image", encoder_image)

    with watch(USERS[0]), watch(USERS[1]):
        yield owners


def read(path: Path, seen: Seen) -> None:
    """Read a target into ``seen``."""
    with av.open(str(path)) as container:
        video = container.streams.video[0]
        video.thread_type = "AUTO"
        for packet in container.demux():
            if packet.stream.index == video.index:
                if packet.pts is not None:
                    seen.times.append((packet.pts, packet.duration or 0))
                images = (one for one in packet.decode() if isinstance(one, av.VideoFrame))
                seen.shown += [digest(image) for image in images]
            elif packet.size:
                data = hashlib.blake2b(bytes(packet), digest_size=8).hexdigest()
                seen.others.setdefault(packet.stream.index, []).append((data, packet.pts))
    seen.times.sort()


def run(source: Path, target: Path, **options: Any) -> tuple[Seen, bool]:
    """Run once; return what was seen, and whether it was in pieces."""
    seen = Seen()
    with watched(seen) as owners:
        try:
            upscale(source, target, drop_incompatible=True, **options)
        except VidsrError as error:
            seen.failure = f"{type(error).__name__}: {error}".replace(str(target), "TARGET")
    if target.exists():
        read(target, seen)
        target.unlink()
    return seen, USERS[1] in owners


def part_s(source: Path, seconds: float, megapixels: float) -> float:
    """Return how much of a clip is enough: ``seconds``, or what ``megapixels`` hold if less."""
    try:
        with av.open(str(source)) as container:
            video = container.streams.video[0]
            rate = video.guessed_rate or Fraction(25)
            area = max(1, video.width * video.height)
    except (av.FFmpegError, OSError, IndexError, AttributeError):
        return seconds
    frames = max(LEAST_FRAMES, megapixels * 1e6 / area)
    return min(seconds, float(frames / rate))


def try_clip(source: Path, folder: Path, lengths: list[int], choices: argparse.Namespace) -> bool:
    """Compare the runs over one clip, print a line, and return True if they are equal."""
    begin_s = time.monotonic()
    options = {
        "model": choices.model,
        "codec": choices.codec,
        "duration": part_s(source, choices.duration, choices.budget_mpix),
    }
    target = folder / f"target{choices.suffix}"
    whole, _ = run(source, target, no_pieces=True, **options)
    words = []
    for length in lengths:
        cut, in_pieces = run(source, target, piece_frames=length, **options)
        if found := whole.differences(cut):
            words.append(f"{length}: {', '.join(found)} {cut.failure}")
        elif not in_pieces and not whole.failure:
            words.append(f"{length}: not cut")
    equal = all(word.endswith("not cut") for word in words)
    state, taken_s = "equal" if equal else "DIFFER", time.monotonic() - begin_s
    said = "; ".join(words) or whole.failure
    name = source.name[:48]
    print(f"{state} {taken_s:5.1f} s {len(whole.encoded):4} {name:48} {said}", flush=True)
    return equal


def main() -> int:
    """Compare as the command line says; return 1 where something differs."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("folder", type=Path, help="clips, in folders below too")
    parser.add_argument("--pieces", default="1,7,50,250", help="frames of pieces (1,7,50,250)")
    parser.add_argument("--only", default="", metavar="TEXT", help="names with this text alone")
    parser.add_argument("--model", default="lite-fast-x2", help="the model (lite-fast-x2)")
    parser.add_argument("--codec", default="ffv1", help="the codec (ffv1)")
    parser.add_argument("--suffix", default=".mkv", help="the container (.mkv)")
    parser.add_argument("--duration", type=float, default=2.0, help="seconds of each clip (2)")
    parser.add_argument(
        "--budget-mpix", type=float, default=3.0, help="megapixels of a clip, 9 frames at least"
    )
    choices = parser.parse_args()
    lengths = [int(length) for length in choices.pieces.split(",")]
    paths = (p for p in choices.folder.rglob("*") if p.is_file() and choices.only in p.name)
    with tempfile.TemporaryDirectory() as folder:
        equal = [try_clip(path, Path(folder), lengths, choices) for path in sorted(paths)]
    print(f"{sum(equal)} of {len(equal)} clips are equal in pieces of {choices.pieces}")
    return int(not all(equal))


if __name__ == "__main__":
    sys.exit(main())
