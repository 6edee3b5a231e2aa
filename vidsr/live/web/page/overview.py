"""Page of all streams: a card with a moving picture for each, and a table of the numbers."""

from __future__ import annotations

import time
from collections.abc import Sequence

from vidsr.live.base.status import ServiceStatus, StreamStatus
from vidsr.live.web.page import pieces
from vidsr.live.web.page.templates import Html, fill, joined
from vidsr.live.web.page.words import count, duration, milliseconds, rate, share, sizes, total
from vidsr.live.web.redaction import redacted


def overview_page(
    service: ServiceStatus, streams: Sequence[StreamStatus], *, may_leave: bool
) -> str:
    """Return the page of all streams.

    Args:
        service: The process.
        streams: The streams in the order in which they are shown.
        may_leave: True where there is a session to end.
    """
    now_s = time.time()
    return fill(
        "overview",
        summary=_summary(service, streams, now_s),
        names=Html(" ".join(pieces.link_to(one.name) for one in streams)),
        cards=joined([_card(number, one) for number, one in enumerate(streams)]),
        rows=joined([_row(number, one, now_s) for number, one in enumerate(streams)]),
        leave=fill("leave") if may_leave else Html(""),
        version=service.version,
    )


def _summary(service: ServiceStatus, streams: Sequence[StreamStatus], now_s: float) -> Html:
    running = [one.state for one in streams].count("running")
    shown = sum(total(one.tally.shown) for one in streams)
    dropped = sum(total(one.tally.dropped) for one in streams)
    up_s = max(now_s - service.started_s, 1e-9)
    figures = [(f"{running} of {len(streams)}", "streams running")]
    figures.append((share(shown, shown + dropped), "of frames shown"))
    for device in service.devices:
        busy = share(min(device.busy_s, up_s * device.workers), up_s * device.workers)
        figures.append((busy, f"of {device.name} busy"))
    figures.append((duration(up_s), "up"))
    return joined([fill("figure", value=value, text=text) for value, text in figures])


def _card(number: int, stream: StreamStatus) -> Html:
    return fill(
        "card",
        number=str(number),
        link=pieces.link_to(stream.name),
        name=stream.name,
        badge=pieces.badge(stream.state),
        level=pieces.level(stream),
        fps=rate(stream.fps_out),
        latency=milliseconds(stream.latency_p50_s),
        sizes=sizes(stream.size_in, stream.size_out),
        error=Html("") if stream.error is None else pieces.error(stream.error),
    )


def _row(number: int, stream: StreamStatus, now_s: float) -> Html:
    tally = stream.tally
    dropped = total(tally.dropped)
    return fill(
        "row",
        number=str(number),
        link=pieces.link_to(stream.name),
        name=stream.name,
        source=redacted(stream.source),
        badge=pieces.badge(stream.state),
        since=duration(now_s - stream.since_s),
        fps_in=rate(stream.fps_in),
        fps_out=rate(stream.fps_out),
        p50=milliseconds(stream.latency_p50_s),
        p95=milliseconds(stream.latency_p95_s),
        level=pieces.level(stream),
        dropped=count(dropped),
        dropped_share=share(dropped, tally.received),
        drops=pieces.drops(stream),
        error=pieces.error(stream.error),
    )
