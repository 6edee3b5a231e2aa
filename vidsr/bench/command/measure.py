"""Rounds of measuring: the command, its stages and peers take turns, each in its own process."""

from __future__ import annotations

import json
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

from vidsr.bench.command.realtime_ladder import LADDER, Measure, find_max, ladder
from vidsr.bench.machine import others_now, this_host
from vidsr.bench.outcome import summary
from vidsr.bench.outcome.bottleneck import limit_line
from vidsr.bench.outcome.results import Against, Cameras, Result, Setup
from vidsr.bench.outcome.stats import Spread, spread
from vidsr.bench.peers import PEERS
from vidsr.bench.request import Request
from vidsr.bench.worker_task import ChildError, Footage, Task, cores, run_child, run_task
from vidsr.picture.size import Size

Tell = Callable[[str], None]
Round = dict[str, Any]
CLIP, PEER = "vidsr.bench.clip", "vidsr.bench.peers"
CAMERAS = "vidsr.bench.rounds.cameras"
COMMAND, STAGES = "vidsr.bench.rounds.whole_command", "vidsr.bench.rounds.stages"


def measure(request: Request, folder: Path, command: str, tell: Tell) -> Result:
    """Measure all that is asked for.

    Args:
        request: Choices, checked.
        folder: Place for clips and targets.
        command: Command line as it was typed, for the result.
        tell: Receiver of lines about what is being done.

    Raises:
        VidsrError: A measuring process failed.
    """
    clips, others = Clips(request, folder, tell), others_now()
    parts = Rounds(clips).measure() if request.main else {}
    if request.realtime:
        parts["ladder"] = ladder(clips.holds(request.repeats), request.rate, LADDER)
    if request.find_max:
        parts["largest"] = find_max(
            clips.holds(1), request.rate, confirm=clips.holds(request.repeats)
        )
    if request.streams is not None:
        parts["cameras"] = cameras(request, request.streams, tell)
    machine = this_host(clips.gpu, others)
    return Result(command, machine, request.frames, request.repeats, setup=clips.setup, **parts)


def cameras(request: Request, streams: int, tell: Tell) -> Cameras:
    """Have cameras share the device, in a process of their own."""
    tell(f"{streams} cameras")
    wish = {
        "streams": streams,
        "width": request.size.width,
        "height": request.size.height,
        "rate": request.rate,
        "frames": request.frames * request.repeats,
        "model": request.model,
        "scale": request.scale,
        "device": request.device,
    }
    return summary.cameras(
        streams, request.size, request.rate, run_child(CAMERAS, json.dumps(wish))
    )


class Clips:
    """Sources, and runs of the command on them."""

    def __init__(self, request: Request, folder: Path, tell: Tell) -> None:
        self.request, self.tell, self._folder = request, tell, folder
        self.gpu: str | None = None
        self.setup: Setup | None = None

    def drawn(self, size: Size) -> Footage:
        rate = Fraction(self.request.rate).limit_denominator(1001)
        return self._make({"width": size.width, "height": size.height, "rate": str(rate)})

    def chosen(self) -> Footage:
        """Return the input, or what is drawn in its place."""
        if self.request.input is None:
            return self.drawn(self.request.size)
        return self._make({"input": str(self.request.input)})

    def _make(self, wish: dict[str, Any]) -> Footage:
        self.tell("making the clip")
        wish |= {"path": str(self._folder / "source.mp4"), "frames": self.request.frames}
        return Footage(**run_child(CLIP, json.dumps(wish)))

    def task(self, footage: Footage) -> Task:
        request = self.request
        return Task(
            source=footage.path,
            target=str(self._folder / f"target{self._suffix()}"),
            frames=footage.frames,
            rate=footage.rate,
            compared=bool(request.against),
            duration_s=footage.duration_s,
            threads=cores(),
            model=request.model,
            scale=request.scale,
            device=request.device,
            engine=request.engine,
            codec="h264" if request.against else request.codec,
            preset=request.preset,
        )

    def _suffix(self) -> str:
        """Return the suffix of a container that holds the codec; peers write MP4."""
        return ".mp4" if self.request.codec in (None, "h264") else ".mkv"

    def run(self, task: Task) -> Round:
        """Run the command on a clip."""
        answer = run_task(COMMAND, task)
        self.gpu, self.setup = answer["gpu"], summary.setup(answer)
        return answer

    def holds(self, repeats: int) -> Measure:
        """Return the function by which ``vidsr.bench.command.realtime_ladder`` measures a size."""

        def fps(size: Size) -> tuple[Spread, int]:
            self.tell(str(size))
            task = self.task(self.drawn(size))
            runs = [self.run(task) for _ in range(repeats)]
            return spread(map(summary.fps_of, runs)), int(runs[-1]["target_size"][1])

        return fps


class Rounds:
    """One clip, round after round: what is compared runs back to back."""

    def __init__(self, clips: Clips) -> None:
        self._clips, self._request = clips, clips.request
        self._runs: list[Round] = []
        self._stages: list[Round] = []
        self._peers: dict[str, list[Round]] = {name: [] for name in clips.request.against}

    def measure(self) -> dict[str, Any]:
        """Return the parts of a result."""
        footage = self._clips.chosen()
        task = self._clips.task(footage)
        for index in range(self._request.repeats):
            self._round(task, f"round {index + 1} of {self._request.repeats}")
        parts: dict[str, Any] = {"source": footage.describe(), "whole": summary.whole(self._runs)}
        return parts | {"against": self._against()} | self._staged()

    def _round(self, task: Task, where: str) -> None:
        if self._request.stages:
            self._clips.tell(f"{where}: stages")
            self._stages.append(run_task(STAGES, task))
        self._clips.tell(f"{where}: vidsr")
        self._runs.append(self._clips.run(task))
        for name, runs in self._peers.items():
            if not any(run["absent"] for run in runs):
                self._clips.tell(f"{where}: {name}")
                runs.append(self._peer(name, task))

    def _peer(self, name: str, task: Task) -> Round:
        # What was chosen automatically has a name by now; a file keeps its path.
        model = task.model if Path(task.model).exists() else self._runs[-1]["model"]
        options = ["--model", model, "--frames", str(task.frames), "--threads", str(task.threads)]
        options += ["--preset", task.preset] if task.preset else []
        try:
            return run_child(PEER, name, task.source, task.target, *options)
        except ChildError as error:  # one that fails does not take the others with it
            return {"absent": f"failed: {error.message}"}

    def _against(self) -> tuple[Against, ...]:
        return tuple(
            summary.against(peer.name, peer.what, self._peers[peer.name], self._runs, self._stages)
            for peer in PEERS
            if peer.name in self._peers
        )

    def _staged(self) -> dict[str, Any]:
        if not self._stages:
            return {}
        stages = summary.stages(self._stages)
        return {
            "stages": stages,
            "ceilings": summary.ceilings(self._stages),
            "efficiency": summary.efficiency(self._stages, self._runs),
            "limit": limit_line(stages, self._stages[-1]["device"]),
        }
