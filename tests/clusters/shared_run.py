"""One run over a small clip, for tests that have its pieces made elsewhere."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import vidsr
from tests.makers.clips import Tone, make_clip
from vidsr.run.options import RunOptions
from vidsr.run.spec import JobSpec
from vidsr.video.info import SourceInfo

MODEL = "srresnet-x4"
PIECE_FRAMES = 4
PIECES = 12
WORDS = ["--model", MODEL, "--precision", "fp32", "--piece-frames", str(PIECE_FRAMES)]


@dataclass(frozen=True)
class Whole:
    """A clip, and the bytes of its target when one process makes it."""

    source: Path
    target: bytes

    def spec(self, target: Path, device: str = "auto") -> JobSpec:
        """Return the same run into another target."""
        options = RunOptions(
            model=MODEL, precision="fp32", piece_frames=PIECE_FRAMES, device=device
        )
        return JobSpec.of(self.source, target, options)


def make_whole(folder: Path) -> Whole:
    """Make the clip and its target."""
    source, target = folder / "clip.mp4", folder / "one.mkv"
    frames = PIECES * PIECE_FRAMES
    make_clip(source, size=(32, 24), frames=frames, gop=6, bframes=2, audio=Tone())
    vidsr.upscale(source, target, model=MODEL, precision="fp32", piece_frames=PIECE_FRAMES)
    return Whole(source, target.read_bytes())


def folder_of(target: Path) -> Path:
    """Return the job's folder of a target."""
    return target.with_name(f"{target.name}.vidsr-job")


def holders(folder: Path) -> list[int]:
    """Return the numbers of the processes that make pieces which are not there yet."""
    found = []
    for lease in sorted(folder.glob("*.lease")):
        with suppress(OSError, ValueError):
            process = int(json.loads(lease.read_text())["process"])
            if not lease.with_suffix(".piece").exists():  # else its worker would lose nothing
                found.append(process)
    return found


def kill_a_holder(folder: Path) -> bool:
    """Kill a process that makes a piece; return True if there was one."""
    for process in holders(folder):
        with suppress(OSError):
            os.kill(process, signal.SIGKILL)
            return True
    return False


def pieces(folder: Path) -> int:
    """Return how many pieces are done."""
    return len([*folder.glob("*.piece")])


class Steps:
    """A receiver of progress that does one thing after the other, each when it is time.

    Args:
        steps: Functions that return True once they have done it.
    """

    def __init__(self, *steps: Callable[[], bool]) -> None:
        self.left, self.seen = list(steps), [0]

    def start(self, info: SourceInfo) -> None:
        """Do nothing."""

    def frame(self, done: int, output_bytes: int) -> None:
        """Look whether the next step can be done."""
        self.seen.append(done)
        if self.left and self.left[0]():
            self.left.pop(0)

    def close(self) -> None:
        """Do nothing."""
