"""Result for people, in lines of a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from vidsr.bench.outcome.results import (
    Against,
    Cameras,
    Ceiling,
    Efficiency,
    Result,
    Rung,
    Setup,
    Stage,
    Whole,
)
from vidsr.bench.outcome.stats import Spread

FASTEST = "lite-fast-x2"
FASTER = f"faster on a CPU, twice as large: vidsr-bench --realtime --model {FASTEST}"


def lines(result: Result) -> Iterator[str]:
    """Yield everything that was measured, the answers last."""
    yield result.machine.describe()
    if result.machine.busy:
        others = f"{result.machine.others:.0%} of the cores' time"
        yield f"other programs took {others} before it began: rates are too low"
    if result.setup:
        yield setup(result.setup)
    if result.source:
        many = f"{result.repeats} repeats: median (least to greatest)"
        yield f"source: {result.source}; {many if result.repeats > 1 else '1 repeat'}"
    if result.ceilings:
        yield from _block("ceilings", map(_ceiling, result.ceilings))
    if result.stages:
        yield from _block("stages, each alone", _stages(result.stages))
    if result.whole:
        yield from _block("the whole command", _whole(result.whole))
    if result.efficiency:
        yield from _efficiency(result.efficiency)
    if result.limit:
        yield result.limit
    if result.against:
        yield from _block("against", map(_against, result.against))
    if result.ladder:
        yield from _block("realtime", (rung.sentence() for rung in result.ladder))
    if result.largest:
        yield ""
        yield largest(result.largest)
    if result.cameras:
        yield from _block("cameras that share the device", _cameras(result.cameras))
    if result.whole:
        yield ""
        yield verdict(result.whole)
    if result.setup and _slow(result) and result.setup.model != FASTEST:
        yield FASTER


def verdict(whole: Whole) -> str:
    """Return whether the clip could be watched while it is upscaled."""
    answer = "yes" if whole.realtime.median >= 1 else "no"
    return f"{whole.rate:.4g} fps in real time: {answer}, {across(whole.realtime)} times its rate"


def _slow(result: Result) -> bool:
    """Return True if anything that was measured is below real time on a CPU."""
    times = [rung.realtime for rung in result.ladder]
    times += [result.whole.realtime.median] if result.whole else []
    on_cpu = result.setup is not None and result.setup.device == "cpu"
    return on_cpu and any(time is None or time < 1 for time in times)


def largest(rung: Rung) -> str:
    """Return the answer of ``--find-max``."""
    size = f"{rung.width}x{rung.height}"
    if rung.realtime is None or rung.realtime < 1:
        return f"no 16:9 size from {size} on holds {rung.rate:g} fps"
    return f"the largest that holds {rung.rate:g} fps: {size}, {rung.realtime:.2f}x realtime"


def _block(title: str, body: Iterator[str] | map[str]) -> Iterator[str]:
    yield ""
    yield f"{title}:"
    yield from (f"  {line}" for line in body)


def number(value: float) -> str:
    """Return three digits, as many as repeats agree in, and no exponent."""
    return f"{value:.0f}" if value >= 100 else f"{value:.3g}"


def across(values: Spread) -> str:
    """Return ``31.2 (30.9 to 32)``; the median alone if there was one repeat."""
    if values.low == values.high:
        return number(values.median)
    return f"{number(values.median)} ({number(values.low)} to {number(values.high)})"


def _percent(values: Spread) -> str:
    if values.low == values.high:
        return f"{values.median:.0%}"
    return f"{values.median:.0%} ({values.low:.0%} to {values.high:.0%})"


def _ceiling(ceiling: Ceiling) -> str:
    return f"{ceiling.name:16} {across(ceiling.rate)} {ceiling.unit}"


def _stages(stages: Sequence[Stage]) -> Iterator[str]:
    yield f"{'':9}{'fps':>8}{'p50 ms':>9}{'p95 ms':>9}{'p99 ms':>9}{'CPU ms':>9}  work a frame"
    for stage in stages:
        yield _none(stage) if stage.none else _stage(stage)


def _none(stage: Stage) -> str:
    return f"{stage.name:9}{'none':>8}   {stage.none}"


def _stage(stage: Stage) -> str:
    assert stage.fps
    assert stage.ms
    assert stage.cpu_ms
    work = f"{number(stage.work)} {stage.unit}" if stage.work else ""
    columns = (stage.fps.median, stage.ms.p50, stage.ms.p95, stage.ms.p99, stage.cpu_ms.median)
    widths = (8, 9, 9, 9, 9)
    cells = "".join(f"{number(c):>{w}}" for c, w in zip(columns, widths, strict=True))
    share = f", {_percent(stage.share)} of {stage.ceiling}" if stage.share else ""
    if stage.share and stage.share.median > 1 and stage.ceiling == "copy":
        share += " from memory: it stays in a cache"
    elif stage.share and stage.share.median > 1:
        share += ": the ceiling was disturbed while it was measured"
    return f"{stage.name:9}{cells}  {work}{share}"


def _whole(whole: Whole) -> Iterator[str]:
    yield f"{whole.size} -> {whole.target_size}: {across(whole.fps)} fps"
    ms = whole.ms
    yield (
        f"between frames p50 {number(ms.p50)}, p95 {number(ms.p95)}, p99 {number(ms.p99)} ms; "
        f"{across(whole.cpu_ms)} ms of CPU a frame"
    )
    device = f", {whole.device_mib:.0f} MiB on the device" if whole.device_mib is not None else ""
    yield f"peak memory {whole.peak_rss_mib:.0f} MiB{device}"
    yield from (f"note: {note}" for note in whole.notes)


def setup(ran: Setup) -> str:
    """Return the setup that ran, in a line."""
    runtime = f"{ran.engine}, {ran.precision}"
    return f"{ran.model}, x{ran.scale}, on {ran.device} ({runtime}); {ran.encoder}"


def _efficiency(found: Efficiency) -> Iterator[str]:
    yield (
        f"  {_percent(found.of_allowed)} of the {across(found.allowed_fps)} fps that its stages "
        f"allow, {_percent(found.of_engine)} of the network's own rate"
    )
    if found.colour_copies:
        yield f"  colour and copies: {_percent(found.colour_copies)} of its CPU time"


def _against(peer: Against) -> str:
    if peer.absent:
        return f"{peer.name:12} absent: {peer.absent}"
    assert peer.fps
    assert peer.ratio
    assert peer.cpu_ms
    network = f", network {number(peer.network_ms.p50)} ms" if peer.network_ms else ""
    if peer.network_ratio:
        network += f", {across(peer.network_ratio)} times vidsr's"
    note = f"; {peer.note}" if peer.note else ""
    return (
        f"{peer.name:12} vidsr is {across(peer.ratio)} times as fast: {across(peer.fps)} fps, "
        f"{number(peer.cpu_ms.median)} ms of CPU a frame{network} ({peer.what}{note})"
    )


def _cameras(found: Cameras) -> Iterator[str]:
    received = max(1, found.received)
    shown = sum(found.shown.values())
    many = f"{found.streams} cameras" if found.streams > 1 else "1 camera"
    yield (
        f"{many} of {found.size} at {number(found.rate)} fps for {number(found.seconds)} s: "
        f"{shown / received:.1%} of {found.received} frames shown, {found.late} of them late"
    )
    levels = (f"{name} {found.shown.get(name, 0) / received:.1%}" for name in found.levels)
    dropped = (f"{reason} {count}" for reason, count in sorted(found.dropped.items()))
    yield f"by level: {', '.join(levels)}; dropped: {', '.join(dropped) or 'none'}"
    if found.latency_ms is not None and found.longest_ms is not None:
        ms = found.latency_ms
        yield (
            f"latency p50 {number(ms.p50)}, p95 {number(ms.p95)}, p99 {number(ms.p99)}, "
            f"longest {number(found.longest_ms)} ms"
        )
    yield f"shown of one camera: {found.fewest} to {found.most} frames"
    yield (
        f"{found.workers} workers busy {found.busy:.0%} of the time; {number(found.cpu_ms)} ms of "
        f"CPU a frame; peak memory {found.peak_rss_mib:.0f} MiB"
    )
