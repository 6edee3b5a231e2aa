"""Metrics of the peers of a stream: its source and its sinks."""

from __future__ import annotations

from collections.abc import Iterable
from typing import get_args

from prometheus_client.core import Metric

from vidsr.live.base.states import FailureReason, SourceState
from vidsr.live.base.status import StreamStatus
from vidsr.live.web.labels import sink_labels
from vidsr.live.web.metrics.families import add_each, counter, gauge

STATES: tuple[SourceState, ...] = get_args(SourceState)
REASONS: tuple[FailureReason, ...] = get_args(FailureReason)


def source_metrics(streams: Iterable[StreamStatus]) -> list[Metric]:
    """Return the state of all sources, and what was counted of them."""
    info = gauge(
        "vidsr_stream_info",
        "What the stream is made of.",
        "stream",
        "model",
        "source_kind",
        "sink_kind",
    )
    up = gauge("vidsr_source_up", "1 while frames come.", "stream")
    state = gauge("vidsr_source_state", "1 for the state of the source.", "stream", "state")
    newest = gauge(
        "vidsr_source_last_frame_timestamp_seconds", "When the newest frame came.", "stream"
    )
    for one in streams:
        kinds = ",".join(dict.fromkeys(sink.kind for sink in one.sinks))
        info.add_metric([one.name, one.model, one.source_kind, kinds], 1)
        up.add_metric([one.name], one.state == "running")
        add_each(state, [one.name], STATES, {one.state: 1})
        if one.last_frame_s is not None:
            newest.add_metric([one.name], one.last_frame_s)
    return [info, up, state, newest, *_source_counts(streams)]


def _source_counts(streams: Iterable[StreamStatus]) -> list[Metric]:
    connects = counter("vidsr_source_connects", "Connections that brought a frame.", "stream")
    failures = counter(
        "vidsr_source_failures", "Connections that ended or never came.", "stream", "reason"
    )
    corrupt = counter("vidsr_source_packets_corrupt", "Damaged packets.", "stream")
    size = counter("vidsr_source_received_bytes", "Bytes of packets received.", "stream")
    for one in streams:
        connects.add_metric([one.name], one.tally.connects)
        add_each(failures, [one.name], REASONS, one.tally.failures)
        corrupt.add_metric([one.name], one.tally.corrupt_packets)
        size.add_metric([one.name], one.tally.received_bytes)
    return [connects, failures, corrupt, size]


def sink_metrics(streams: Iterable[StreamStatus]) -> list[Metric]:
    """Return the state of all sinks, and what was counted of them."""
    up = gauge("vidsr_sink_up", "1 while the sink takes packets.", "stream", "sink")
    size = counter("vidsr_sink_sent_bytes", "Bytes passed on.", "stream", "sink")
    dropped = counter("vidsr_sink_packets_dropped", "Packets not passed on.", "stream", "sink")
    restarts = counter("vidsr_sink_restarts", "Times a sink was begun again.", "stream", "sink")
    for one in streams:
        for sink, label in zip(one.sinks, sink_labels(one.sinks), strict=True):
            pair = [one.name, label]
            up.add_metric(pair, sink.state == "running")
            size.add_metric(pair, one.tally.sent_bytes.get(sink.name, 0))
            dropped.add_metric(pair, one.tally.sink_dropped.get(sink.name, 0))
            restarts.add_metric(pair, one.tally.sink_restarts.get(sink.name, 0))
    return [up, size, dropped, restarts]
