"""Snapshots of streams as JSON: what the page reads, and programs."""

from __future__ import annotations

from typing import Any

from vidsr.live.base.states import DROP_REASONS
from vidsr.live.base.status import ServiceStatus, SinkStatus, StreamStatus, StreamsView
from vidsr.live.web.labels import sink_labels
from vidsr.live.web.redaction import redacted

_MS = 1000.0


def snapshots(view: StreamsView) -> list[StreamStatus]:
    """Return all streams at this moment; one that ends meanwhile is left out."""
    return [one for name in view.names() if (one := view.status(name)) is not None]


def service_json(service: ServiceStatus) -> dict[str, Any]:
    """Return the process as JSON values."""
    return {
        "version": service.version,
        "started_s": service.started_s,
        "longest_pause_ms": round(service.longest_pause_s * _MS, 1),
        "devices": [
            {"name": one.name, "busy_s": round(one.busy_s, 3), "workers": one.workers}
            for one in service.devices
        ],
    }


def stream_json(stream: StreamStatus) -> dict[str, Any]:
    """Return a stream as JSON values, without secrets."""
    return {
        "name": stream.name,
        "state": stream.state,
        "since_s": stream.since_s,
        "started_s": stream.started_s,
        "error": None if stream.error is None else redacted(stream.error),
        "source": redacted(stream.source),
        "source_kind": stream.source_kind,
        "connection": stream.connection,
        "size_in": stream.size_in,
        "size_out": stream.size_out,
        "rate": stream.rate,
        "fps_in": round(stream.fps_in, 2),
        "fps_out": round(stream.fps_out, 2),
        "latency_p50_ms": _milliseconds(stream.latency_p50_s),
        "latency_p95_ms": _milliseconds(stream.latency_p95_s),
        "last_frame_s": stream.last_frame_s,
        "model": stream.model,
        "level": stream.level,
        "level_index": stream.level_index,
        "levels": list(stream.levels),
        "frames": _frames(stream),
        "sinks": [
            _sink(sink, stream, label)
            for sink, label in zip(stream.sinks, sink_labels(stream.sinks), strict=True)
        ],
    }


def _frames(stream: StreamStatus) -> dict[str, Any]:
    tally = stream.tally
    return {
        "received": tally.received,
        "shown": dict(tally.shown),
        "fillers": dict(tally.fillers),
        "dropped": {reason: tally.dropped.get(reason, 0) for reason in DROP_REASONS},
        "in_flight": tally.in_flight,
        "deadline_missed": tally.deadline_missed,
        "tiles_computed": tally.tiles_computed,
        "tiles_reused": tally.tiles_reused,
    }


def _sink(sink: SinkStatus, stream: StreamStatus, label: str) -> dict[str, Any]:
    tally = stream.tally
    return {
        "name": redacted(sink.name),
        "label": label,
        "kind": sink.kind,
        "state": sink.state,
        "since_s": sink.since_s,
        "error": None if sink.error is None else redacted(sink.error),
        "sent_bytes": tally.sent_bytes.get(sink.name, 0),
        "dropped": tally.sink_dropped.get(sink.name, 0),
        "restarts": tally.sink_restarts.get(sink.name, 0),
    }


def _milliseconds(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds * _MS, 1)
