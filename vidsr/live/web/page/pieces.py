"""Pieces of pages: badges of states, levels, drops, errors."""

from __future__ import annotations

from urllib.parse import quote

from vidsr.live.base.states import DROP_REASONS
from vidsr.live.base.status import StreamStatus
from vidsr.live.web.page.templates import Html, fill, joined, safe
from vidsr.live.web.page.words import NONE, count, share, total
from vidsr.live.web.redaction import redacted

# What each reason means, for whoever points at it.
REASONS = {
    "late": "older than its deadline before the upscaling began",
    "superseded": "a newer frame came first",
    "backlog": "old when it arrived, as after connecting",
    "corrupt": "could not be decoded",
    "rate": "more frames than the fixed rate has places",
    "format": "came while the stream changed its format",
    "stopped": "on its way when the stream ended",
    "failed": "its upscaling raised an error",
}


def badge(state: str) -> Html:
    """Return the badge of a state."""
    return Html(f'<span class="badge" data-state="{safe(state)}">{safe(state)}</span>')


def link_to(name: str) -> str:
    """Return the path of a stream's page."""
    return f"/streams/{quote(name, safe='')}"


def level(stream: StreamStatus) -> Html:
    """Return the level in use, marked where it is not the best."""
    lower = " data-lower" if stream.level_index else ""
    return Html(f'<span class="level"{lower}>{safe(stream.level)}</span>')


def ladder(stream: StreamStatus) -> Html:
    """Return all levels as a list, best first, the one in use marked."""
    rungs = []
    for one in stream.levels:
        now = ' aria-current="true"' if one == stream.level else ""
        shown = stream.tally.shown.get(one, 0)
        part = share(shown, total(stream.tally.shown))
        rungs.append(Html(f"<li{now}><span>{safe(one)}</span> <small>{part}</small></li>"))
    return Html(f'<ol class="ladder">{joined(rungs)}</ol>')


def drops(stream: StreamStatus) -> Html:
    """Return the number of dropped frames, and each reason that occurred."""
    dropped = stream.tally.dropped
    if not total(dropped):
        return Html("")
    chips = [
        Html(f'<li title="{safe(REASONS[reason])}">{reason} <b>{count(dropped[reason])}</b></li>')
        for reason in DROP_REASONS
        if dropped.get(reason)
    ]
    return Html(f'<ul class="chips">{joined(chips)}</ul>')


def drop_rows(stream: StreamStatus) -> Html:
    """Return a row for every reason, with its meaning."""
    rows = [
        fill(
            "drop",
            reason=reason,
            frames=count(stream.tally.dropped.get(reason, 0)),
            meaning=REASONS[reason],
        )
        for reason in DROP_REASONS
    ]
    return joined(rows)


def error(text: str | None) -> Html:
    """Return the newest error, without secrets."""
    if text is None:
        return Html(f'<span class="quiet">{NONE}</span>')
    return Html(f'<span class="error">{safe(redacted(text))}</span>')
