"""Task of a process that measures, and its answer: JSON both ways, one line.

The process that starts the others loads neither torch nor PyAV: the kernel counts the memory of a
parent into the peak of the child it forks.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from vidsr.errors import VidsrError

if TYPE_CHECKING:
    from vidsr.option_values import EngineKind
    from vidsr.run.options import RunOptions


@dataclass(frozen=True)
class Footage:
    """Clip to measure on.

    Attributes:
        path: File of the clip.
        what: What it is, in words.
        width: Width in pixels.
        height: Height in pixels.
        rate: Frames a second, a fraction.
        frames: Number of frames that count.
        duration_s: End of these frames if the file goes on after them.
    """

    path: str
    what: str
    width: int
    height: int
    rate: str
    frames: int
    duration_s: float | None = None

    def describe(self) -> str:
        """Return a line for people."""
        rate = f"{float(Fraction(self.rate)):.4g} fps"
        return f"{self.what}, {self.width}x{self.height}, {rate}, {self.frames} frames"


@dataclass(frozen=True, kw_only=True)
class Task:
    """One run of ``frames`` frames; ``duration_s`` ends it in a source that goes on.

    ``rate`` is the source's, a fraction. With ``compared`` the encoder is set as peers set theirs.
    """

    source: str
    target: str
    frames: int
    threads: int
    rate: str
    duration_s: float | None = None
    compared: bool = False
    model: str = "auto"
    scale: int | None = None
    device: str = "auto"
    engine: str = "torch"
    codec: str | None = None
    preset: str | None = None

    def options(self) -> RunOptions:
        """Return the options of the command that is measured."""
        from vidsr.run.options import RunOptions

        return RunOptions(
            model=self.model,
            scale=self.scale,
            device=self.device,
            # Never "auto": an engine that changes in the middle is two measurements in one.
            engine=cast("EngineKind", self.engine),
            wait_for_engine=self.engine == "tensorrt",
            duration_s=self.duration_s,
            # A rate that does not depend on how much of the clip stands still.
            reuse="off",
            deinterlace="off" if self.compared else "auto",
            codec=self.codec,
            preset=self.preset,
            pix_fmt="yuv420p" if self.compared else None,
            drop_incompatible=True,
            overwrite=True,
        )


class ChildError(VidsrError):
    """Error for a measuring process that failed; its exit status is passed on."""

    def __init__(self, message: str, exit_code: int) -> None:
        super().__init__(message)
        self.exit_code = exit_code


def cores() -> int:
    """Return the number of cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def run_child(module: str, *arguments: str) -> dict[str, Any]:
    """Run ``python -m module arguments`` and read its line. Raises ChildError."""
    command = [sys.executable, "-m", module, *arguments]
    # The module has to be this one, from wherever it is called.
    path = os.pathsep.join(filter(None, [_root(), os.environ.get("PYTHONPATH")]))
    environment = {**os.environ, "PYTHONPATH": path, "PYTHONWARNINGS": "ignore"}
    done = subprocess.run(
        command,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        env=environment,
        text=True,
        errors="replace",
    )
    lines = done.stdout.strip().splitlines()
    if done.returncode or not lines:
        raise _failure(module, done.returncode, done.stderr)
    answer: dict[str, Any] = json.loads(lines[-1])
    return answer


def _root() -> str:
    return str(Path(__file__).resolve().parents[2])


def _failure(module: str, status: int, errors: str) -> ChildError:
    last = errors.strip().splitlines()[-1:] or ["it said nothing"]
    _, marked, told = last[0].partition("error: ")
    if marked and 0 < status < 128:
        return ChildError(told, status)
    return ChildError(f"{module} ended with status {status}: {last[0]}", 1)


def run_task(module: str, task: Task) -> dict[str, Any]:
    """Call ``run_child`` for a module whose ``main`` is ``serve``."""
    return run_child(module, json.dumps(asdict(task)))


def serve(work: Callable[[Task], Mapping[str, Any]]) -> int:
    """Do the work of the command line's task, print the answer and return the exit status."""
    try:
        print(json.dumps(work(Task(**json.loads(sys.argv[1])))))
    except VidsrError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    except MemoryError:
        print("error: out of memory", file=sys.stderr)
        return 8
    return 0
