"""Lines about running streams, now and then on stderr, and a summary at the end."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from vidsr.live.base.status import StreamStatus


def line_of(status: StreamStatus) -> str:
    """Return a stream's state, rates, latency, level, and drops by reason, in one line."""
    parts = [f"{status.name}: {status.state}"]
    if status.error:
        parts[0] += f" ({status.error})"
    parts.append(f"{status.fps_in:.1f} fps in, {status.fps_out:.1f} out")
    parts += [latency] if (latency := latency_of(status)) else []
    parts += [status.level] if status.level else []
    parts += [f"dropped {drops}"] if (drops := listed(status.tally.dropped)) else []
    parts += [f"{kind}s {count}" for kind, count in status.tally.fillers.items()]
    down = [f"{sink.name} {sink.state}" for sink in status.sinks if sink.state != "running"]
    return "; ".join(parts + down)


def summary_of(status: StreamStatus) -> str:
    """Return what a stream did, in counters that add up."""
    tally = status.tally
    shown = sum(tally.shown.values())
    text = f"{status.name}: received {tally.received} frames, showed {shown}"
    text += f" ({listed(tally.shown)})" if tally.shown else ""
    dropped = sum(tally.dropped.values())
    text += f", dropped {dropped}" + (f" ({listed(tally.dropped)})" if dropped else "")
    text += f", in flight {tally.in_flight}" if tally.in_flight else ""
    text += f"; added {listed(tally.fillers)}" if tally.fillers else ""
    latency = latency_of(status)
    text += f"; {latency}, {tally.deadline_missed} past the deadline" if latency else ""
    return f"{text}; connected {tally.connects} times" if tally.connects != 1 else text


def latency_of(status: StreamStatus) -> str:
    """Return median and 95th percentile of the latency in words, "" before the first frame."""
    if status.latency_p50_s is None or status.latency_p95_s is None:
        return ""
    return f"latency p50 {1e3 * status.latency_p50_s:.0f} p95 {1e3 * status.latency_p95_s:.0f} ms"


def listed(counts: Mapping[Any, int]) -> str:
    """Return counters by name, such as ``late 3, superseded 1``, "" for none."""
    return ", ".join(f"{name} {count}" for name, count in counts.items() if count)
