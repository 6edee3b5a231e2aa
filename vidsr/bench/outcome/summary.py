"""Summary of the rounds of one measurement: spreads, shares, efficiency."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import median
from typing import Any

from vidsr.bench.outcome.results import (
    Against,
    Cameras,
    Ceiling,
    Efficiency,
    Setup,
    Stage,
    Whole,
)
from vidsr.bench.outcome.stats import Quantiles, Spread, quantiles, ratios, spread
from vidsr.picture.size import Size

Round = Mapping[str, Any]  # what a process answered
BESIDE = ("upload", "to_rgb", "to_yuv", "download", "copy")  # colour and copies
FLOP, BYTE = ("GFLOP", 1e9), ("MB", 1e6)


def fps_of(run: Round) -> float:
    """Return frames a second of a command or a peer, what the encoder held back included."""
    return float(run["frames"] / (sum(run["frame_s"]) + run["flush_s"]))


def cpu_ms_of(run: Round) -> float:
    return 1e3 * float(run["cpu_s"]) / int(run["frames"])


def intervals_ms(runs: Sequence[Round]) -> Quantiles:
    """Return milliseconds between delivered frames; the first waits for the pipeline to fill."""
    return quantiles([1e3 * s for run in runs for s in run["frame_s"][1:] or run["frame_s"]])


def setup(run: Round) -> Setup:
    names = ("model", "scale", "device", "precision", "engine", "encoder")
    return Setup(**{name: run[name] for name in names})


def whole(runs: Sequence[Round]) -> Whole:
    last = runs[-1]
    rates = [fps_of(run) for run in runs]
    device_bytes = [run["device_bytes"] for run in runs if run["device_bytes"] is not None]
    return Whole(
        rate=last["rate"],
        size=Size(*last["size"]),
        target_size=Size(*last["target_size"]),
        fps=spread(rates),
        ms=intervals_ms(runs),
        realtime=spread(rate / last["rate"] for rate in rates),
        cpu_ms=spread(cpu_ms_of(run) for run in runs),
        peak_rss_mib=max(run["peak_rss_bytes"] for run in runs) / 2**20,
        device_mib=max(device_bytes) / 2**20 if device_bytes else None,
        notes=tuple(last["notes"]),
    )


def cameras(streams: int, size: Size, rate: float, run: Round) -> Cameras:
    """Return what cameras did that shared the device."""
    same = ("seconds", "received", "shown", "dropped", "late", "longest_ms", "fewest", "most")
    return Cameras(
        streams=streams,
        size=size,
        rate=rate,
        levels=tuple(run["levels"]),
        latency_ms=Quantiles(**run["latency_ms"]) if run["latency_ms"] else None,
        workers=run["workers"],
        busy=run["busy"],
        cpu_ms=1e3 * run["cpu_s"] / max(1, run["received"]),
        peak_rss_mib=run["peak_rss_bytes"] / 2**20,
        **{name: run[name] for name in same},
    )


def stages(rounds: Sequence[Round]) -> tuple[Stage, ...]:
    return tuple(_stage(name, rounds) for name in rounds[0]["stages"])


def _stage(name: str, rounds: Sequence[Round]) -> Stage:
    mine = [r["stages"][name] for r in rounds]
    first = mine[0]
    if first["none"]:
        return Stage(name, none=first["none"])
    ceiling = first["ceiling"]
    unit, size = FLOP if name == "engine" else BYTE
    return Stage(
        name,
        fps=spread(stage_fps(r, name) for r in rounds),
        ms=quantiles([ms for m in mine for ms in m["ms"]]),
        cpu_ms=spread(stage_cpu_ms(r, name) for r in rounds),
        work=first["work"] / size,
        unit=unit,
        ceiling=ceiling,
        share=spread(_share(r, name) for r in rounds) if ceiling else None,
    )


def stage_fps(one: Round, name: str) -> float:
    stage = one["stages"][name]
    return len(stage["ms"]) * int(stage["together"]) / float(stage["wall_s"])


def stage_cpu_ms(one: Round, name: str) -> float:
    stage = one["stages"][name]
    return 1e3 * float(stage["cpu_s"]) / len(stage["ms"])


def _share(one: Round, name: str) -> float:
    """Return the share of the ceiling measured in the same round, by the median frame."""
    stage = one["stages"][name]
    a_second = 1e3 * stage["together"] / median(stage["ms"])
    return float(stage["work"] * a_second / one["ceilings"][stage["ceiling"]])


def ceilings(rounds: Sequence[Round]) -> tuple[Ceiling, ...]:
    def one(name: str) -> Ceiling:
        unit = "GFLOP/s" if name.startswith("matmul") else "GB/s"
        return Ceiling(name, unit, spread(r["ceilings"][name] / 1e9 for r in rounds))

    return tuple(one(name) for name in rounds[0]["ceilings"])


def existing(one: Round) -> list[str]:
    """Return the names of the stages that there are on this device."""
    return [name for name, stage in one["stages"].items() if not stage["none"]]


def allowed_fps(one: Round) -> float:
    """Return the rate that the slowest stage reaches with the machine to itself.

    On a CPU all stages share the same cores: these give no more frames than the CPU time of all
    stages fits into a second of all threads.
    """
    slowest = min(stage_fps(one, name) for name in existing(one))
    if one["device"] != "cpu":
        return slowest
    cpu_ms = sum(stage_cpu_ms(one, name) for name in existing(one))
    return min(slowest, 1e3 * float(one["threads"]) / cpu_ms)


def efficiency(rounds: Sequence[Round], runs: Sequence[Round]) -> Efficiency:
    """Compare round ``i`` of the stages with run ``i`` of the command."""
    rates, allowed = [fps_of(run) for run in runs], [allowed_fps(r) for r in rounds]
    return Efficiency(
        allowed_fps=spread(allowed),
        of_allowed=ratios(rates, allowed),
        of_engine=ratios(rates, [stage_fps(r, "engine") for r in rounds]),
        colour_copies=_colour_copies(rounds, runs) if rounds[0]["device"] == "cpu" else None,
    )


def _colour_copies(rounds: Sequence[Round], runs: Sequence[Round]) -> Spread:
    beside = [sum(stage_cpu_ms(r, n) for n in existing(r) if n in BESIDE) for r in rounds]
    return ratios(beside, [cpu_ms_of(run) for run in runs])


def against(
    name: str,
    what: str,
    theirs: Sequence[Round],
    ours: Sequence[Round],
    rounds: Sequence[Round] = (),
) -> Against:
    """Compare with a peer: ``ours[i]`` ran right before ``theirs[i]``, ``rounds[i]`` before it."""
    last = theirs[-1]
    absent = next((run["absent"] for run in theirs if run["absent"]), None)
    if absent:
        return Against(name, what, absent=absent)
    network = [1e3 * s for run in theirs for s in run["network_s"] or ()]
    return Against(
        name,
        what,
        fps=spread(map(fps_of, theirs)),
        ratio=ratios([fps_of(run) for run in ours], [fps_of(run) for run in theirs]),
        cpu_ms=spread(map(cpu_ms_of, theirs)),
        network_ms=quantiles(network) if network else None,
        network_ratio=_network_ratio(theirs, rounds) if network and rounds else None,
        note=last["psnr_note"],
        versions=last["versions"],
    )


def _network_ratio(theirs: Sequence[Round], rounds: Sequence[Round]) -> Spread:
    slow = [1e3 * median(run["network_s"]) for run in theirs]
    engines = [one["stages"]["engine"] for one in rounds]
    return ratios(slow, [median(e["ms"]) / e["together"] for e in engines])
