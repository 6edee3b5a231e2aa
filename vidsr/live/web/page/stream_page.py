"""Page of one stream: source against output, and everything that is known of it."""

from __future__ import annotations

import time
from urllib.parse import quote

from vidsr.live.base.status import SinkStatus, StreamStatus
from vidsr.live.web.labels import PLAYLIST, sink_labels
from vidsr.live.web.page import pieces
from vidsr.live.web.page.templates import Html, fill, joined
from vidsr.live.web.page.words import (
    bytes_of,
    count,
    duration,
    milliseconds,
    rate,
    share,
    size,
    total,
)
from vidsr.live.web.redaction import redacted


def stream_page(stream: StreamStatus, *, may_leave: bool) -> str:
    """Return the page of one stream.

    Args:
        stream: The stream.
        may_leave: True where there is a session to end.
    """
    now_s = time.time()
    return fill(
        "stream",
        name=stream.name,
        link=pieces.link_to(stream.name),
        badge=pieces.badge(stream.state),
        since=duration(now_s - stream.since_s),
        error=Html("") if stream.error is None else pieces.error(stream.error),
        level=stream.level,
        size_in=size(stream.size_in),
        size_out=size(stream.size_out),
        facts=_facts(stream),
        p50=_number(stream.latency_p50_s),
        p95=_number(stream.latency_p95_s),
        fps_in=f"{stream.fps_in:.2f}",
        fps_out=f"{stream.fps_out:.2f}",
        ladder=pieces.ladder(stream),
        drops=pieces.drop_rows(stream),
        sinks=joined(
            [
                _sink(sink, label, stream, now_s)
                for sink, label in zip(stream.sinks, sink_labels(stream.sinks), strict=True)
            ]
        ),
        leave=fill("leave") if may_leave else Html(""),
    )


def _number(seconds: float | None) -> str:
    """Return milliseconds for the chart, nothing where they are not known."""
    return "" if seconds is None else f"{seconds * 1000:.1f}"


def _facts(stream: StreamStatus) -> Html:
    tally = stream.tally
    shown, dropped = total(tally.shown), total(tally.dropped)
    tiles = tally.tiles_computed + tally.tiles_reused
    facts = [
        ("Frames a second", f"{rate(stream.fps_in)} in, {rate(stream.fps_out)} out"),
        ("Latency, median", milliseconds(stream.latency_p50_s)),
        ("Latency, 95 %", milliseconds(stream.latency_p95_s)),
        ("Frames received", count(tally.received)),
        ("Shown", f"{count(shown)} ({share(shown, tally.received)})"),
        ("Dropped", f"{count(dropped)} ({share(dropped, tally.received)})"),
        ("After their deadline", count(tally.deadline_missed)),
        ("Repeats", count(total(tally.fillers))),
        ("Tiles reused", share(tally.tiles_reused, tiles)),
        ("Connections", count(tally.connects)),
        ("Source", redacted(stream.source)),
        ("Received", bytes_of(tally.received_bytes)),
    ]
    return joined([fill("fact", name=name, value=value) for name, value in facts])


def _sink(sink: SinkStatus, label: str, stream: StreamStatus, now_s: float) -> Html:
    tally = stream.tally
    return fill(
        "sink",
        name=redacted(sink.name),
        playlist=_playlist(sink, label, stream),
        badge=pieces.badge(sink.state),
        since=duration(now_s - sink.since_s),
        sent=bytes_of(tally.sent_bytes.get(sink.name, 0)),
        dropped=count(tally.sink_dropped.get(sink.name, 0)),
        restarts=count(tally.sink_restarts.get(sink.name, 0)),
        error=pieces.error(sink.error),
    )


def _playlist(sink: SinkStatus, label: str, stream: StreamStatus) -> Html:
    if sink.folder is None:
        return Html("")
    return fill("playlist", link=f"/hls/{quote(stream.name, safe='')}/{label}/{PLAYLIST}")
