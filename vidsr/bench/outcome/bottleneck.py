"""Bottleneck of this machine, in a sentence."""

from __future__ import annotations

from collections.abc import Sequence

from vidsr.bench.outcome.results import Stage

PLAIN = {
    "decode": "decoding",
    "upload": "the way to the device",
    "to_rgb": "colour in",
    "engine": "the network",
    "to_yuv": "colour out",
    "download": "the way back from the device",
    "copy": "copying into the encoder's picture",
    "encode": "encoding",
}


def limit_line(stages: Sequence[Stage], device: str) -> str:
    """Name the stage that takes most of the cores' time on a CPU, else the slowest one."""
    present = [stage for stage in stages if stage.none is None]
    line = _of_cores(present) if device == "cpu" else _slowest(present)
    return f"what limits this machine now: {line}"


def _of_cores(stages: Sequence[Stage]) -> str:
    total = sum(_cpu_ms(stage) for stage in stages)
    first, second = sorted(stages, key=_cpu_ms, reverse=True)[:2]
    return (
        f"{PLAIN[first.name]}, {_cpu_ms(first) / total:.0%} of the frame's CPU time"
        f"{_share(first)}; then {PLAIN[second.name]}, {_cpu_ms(second) / total:.0%}"
    )


def _slowest(stages: Sequence[Stage]) -> str:
    first, second = sorted(stages, key=_fps)[:2]
    return (
        f"{PLAIN[first.name]}, {_fps(first):.4g} frames a second alone{_share(first)}; "
        f"then {PLAIN[second.name]}, {_fps(second):.4g}"
    )


def _share(stage: Stage) -> str:
    if stage.share is None or stage.ceiling is None:
        return ""
    kind, _, dtype = stage.ceiling.partition(" ")
    ceiling = f"{dtype} matmul" if kind == "matmul" else f"{kind}"
    return f" at {stage.share.median:.0%} of the machine's {ceiling} rate"


def _cpu_ms(stage: Stage) -> float:
    return stage.cpu_ms.median if stage.cpu_ms else 0.0


def _fps(stage: Stage) -> float:
    return stage.fps.median if stage.fps else float("inf")
