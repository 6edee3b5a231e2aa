"""Cameras that share the device: a process that sends their frames and says what became of them."""

from __future__ import annotations

import json
import sys
import time
from collections import Counter
from dataclasses import asdict, replace
from typing import Any

from vidsr.bench.clip import draw
from vidsr.bench.outcome.stats import quantiles
from vidsr.bench.rounds.whole_command import peak_rss_bytes
from vidsr.errors import VidsrError
from vidsr.live.base.options import QualityOptions
from vidsr.live.schedule.trial.cameras import Trial, run_cameras
from vidsr.picture.frame import Frame
from vidsr.terminal.heap import keep_heap
from vidsr.upscaling.picture_kinds import planar

DRAWN = 24  # pictures, sent again and again


def measure(wish: dict[str, Any]) -> dict[str, Any]:
    """Run the cameras of a wish.

    It has ``streams``, ``width``, ``height``, ``rate``, ``frames``, ``model``, ``scale`` and
    ``device``.
    """
    keep_heap()
    quality = QualityOptions(model=wish["model"], scale=wish["scale"])
    cpu_s = time.process_time()
    trial = run_cameras(
        _pictures(wish["width"], wish["height"]),
        wish["streams"],
        wish["rate"],
        wish["frames"],
        quality,
        device=wish["device"],
    )
    used = {"cpu_s": time.process_time() - cpu_s, "peak_rss_bytes": peak_rss_bytes()}
    return _summary(trial) | used


def _pictures(width: int, height: int) -> list[Frame]:
    """Return drawn frames whose planes lie in memory of their own."""
    frames = (planar(image) for image in draw(width, height, DRAWN))
    return [replace(frame, planes=tuple(p.clone() for p in frame.planes)) for frame in frames]


def _summary(trial: Trial) -> dict[str, Any]:
    cameras = trial.cameras
    latencies_ms = [1000 * s for camera in cameras for s in camera.latencies_s]
    shown: Counter[str] = sum((camera.shown for camera in cameras), Counter())
    dropped: Counter[str] = Counter()
    for camera in cameras:
        dropped.update(camera.dropped)
    return {
        "seconds": trial.seconds,
        "received": sum(camera.sent for camera in cameras),
        "levels": [level.name for level in cameras[0].levels.levels],
        "shown": dict(shown),
        "dropped": dict(dropped),
        "late": sum(camera.late for camera in cameras),
        "latency_ms": asdict(quantiles(latencies_ms)) if latencies_ms else None,
        "longest_ms": max(latencies_ms, default=None),
        "fewest": min(sum(camera.shown.values()) for camera in cameras),
        "most": max(sum(camera.shown.values()) for camera in cameras),
        "workers": len(trial.usage.busy_s),
        "busy": sum(trial.usage.busy_s) / (trial.seconds * len(trial.usage.busy_s)),
    }


def main() -> int:
    """Do the wish of the command line, print the answer and return the exit status."""
    try:
        print(json.dumps(measure(json.loads(sys.argv[1]))))
    except VidsrError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
