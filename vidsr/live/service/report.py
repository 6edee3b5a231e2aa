"""The report of a service, as JSON values: what each stream received, showed and dropped."""

from __future__ import annotations

from typing import Any

from vidsr.live.base.status import StreamStatus
from vidsr.live.service.service import Service
from vidsr.live.web.snapshot_json import service_json, stream_json


def report_of(service: Service, outcome: str) -> dict[str, Any]:
    """Return the facts of a service.

    Args:
        service: The service, running or stopped.
        outcome: Why it ended: ``ended``, ``stopped``, ``duration``, ``interrupted``, ``failed``.
    """
    return {
        "outcome": outcome,
        "service": service_json(service.service()),
        "streams": [stream_json(status) | _more(status) for status in service.statuses()],
    }


def _more(status: StreamStatus) -> dict[str, Any]:
    """Return counters that the page has no need of."""
    tally = status.tally
    return {
        "received_bytes": tally.received_bytes,
        "failures": dict(tally.failures),
        "level_changes": dict(tally.level_changes),
        "stages_ms": {
            name: round(1e3 * one.sum_s / one.count, 3)
            for name, one in tally.stages.items()
            if one.count
        },
    }
