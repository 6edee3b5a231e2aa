"""The whole command on one clip, timed frame by frame: one process, one line of JSON.

It answers as ``python -m vidsr.bench.peers`` does, so that both are compared alike: every frame is
decoded, enlarged and encoded within the time that counts, what the encoder holds back at the end
included; loading, and the first runs of the network, are not.
"""

from __future__ import annotations

import resource
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict
from fractions import Fraction
from importlib.metadata import version
from itertools import islice
from pathlib import Path
from typing import Any

import torch

from vidsr.bench.worker_task import Task, serve
from vidsr.notes import Notes
from vidsr.picture.frame import Frame
from vidsr.run.job import Job, prepare
from vidsr.run.loop import upscale_job
from vidsr.run.stages.pipeline import StageTimes
from vidsr.terminal.heap import keep_heap
from vidsr.upscaling.memory_plan import HELD_FRAMES
from vidsr.video.info import SourceInfo
from vidsr.video.locator import Locator
from vidsr.video.source.base import SourceRequest
from vidsr.video.source.source_kinds import open_source

WARM_UP = 4  # frames: a queue of the device full, every buffer taken once


class Watch:
    """A ``Progress`` that notes when each frame was delivered, in seconds."""

    def __init__(self) -> None:
        self.frame_s: list[float] = []
        self.flush_s = self.cpu_s = 0.0

    def start(self, info: SourceInfo) -> None:
        self._last, self._cpu = time.perf_counter(), time.process_time()

    def frame(self, done: int, output_bytes: int) -> None:
        self.frame_s.append(self._since())

    def close(self) -> None:
        self.flush_s, self.cpu_s = self._since(), time.process_time() - self._cpu

    def _since(self) -> float:
        last, self._last = self._last, time.perf_counter()
        return self._last - last


def open_job(task: Task, notes: Notes) -> Job:
    """Open the job of the task's options, in a process set up as the command's."""
    keep_heap()
    torch.set_num_threads(task.threads)
    return prepare(Path(task.source), Path(task.target), task.options(), notes)


def first_frames(task: Task, count: int) -> Iterator[Frame]:
    """Yield the first frames of the source, opened once more."""
    request = SourceRequest(duration_s=task.duration_s)
    with open_source(Locator.of(task.source), request, Notes()) as source:
        yield from islice((item for item in source if isinstance(item, Frame)), count)


def warm_up(task: Task, job: Job) -> None:
    """Have the engine checked, compiled, captured, whatever the first frames cost."""
    frames = first_frames(task, WARM_UP)
    for large in job.upscaler.stream(frames, job.output.format, held=HELD_FRAMES):
        large.release()


def about(task: Task, job: Job) -> dict[str, Any]:
    """Return facts of what ran, for tables."""
    upscaler, layout, plan = job.upscaler, job.info.format, job.output
    engine = upscaler.engine
    return {
        "model": upscaler.model.name,
        "device": str(engine.device),
        "gpu": torch.cuda.get_device_name(engine.device) if engine.device.type == "cuda" else None,
        "precision": str(engine.dtype).removeprefix("torch."),
        "engine": engine.runtime,
        "scale": upscaler.scale,
        "size": (layout.width, layout.height),
        "target_size": (plan.format.width, plan.format.height),
        "encoder": " ".join(
            [plan.codec.encoder, plan.encoder_format]
            + [f"{name}={value}" for name, value in plan.options.items()]
        ),
        "rate": float(Fraction(task.rate)),
        "threads": torch.get_num_threads(),
    }


def measure(task: Task) -> dict[str, Any]:
    """See the module. ``peak_rss_bytes`` is of the process, ``device_bytes`` what torch took."""
    notes, watch = Notes(), Watch()
    with open_job(task, notes) as job:
        warm_up(task, job)
        finished = upscale_job(job, notes, watch)
        facts = about(task, job)
    return {
        "name": "vidsr",
        "frames": finished.written.frames,
        "frame_s": watch.frame_s,
        "flush_s": watch.flush_s,
        "network_s": None,
        "cpu_s": watch.cpu_s,
        "absent": None,
        "psnr_note": None,
        "versions": {name: version(name) for name in ("torch", "av", "numpy")},
        "peak_rss_bytes": peak_rss_bytes(),
        "device_bytes": torch.cuda.max_memory_reserved(facts["device"]) if facts["gpu"] else None,
        "busy": asdict(StageTimes.of(finished.measures)),
        "notes": notes.said,
        **facts,
    }


def peak_rss_bytes() -> int:
    unit = 1 if sys.platform == "darwin" else 1024  # of ru_maxrss, in bytes
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


if __name__ == "__main__":
    sys.exit(serve(measure))
