"""Short labels of sinks: their kind and place, since addresses are no labels."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from vidsr.live.base.status import SinkStatus

PLAYLIST = "index.m3u8"  # of every HLS sink


def sink_labels(sinks: Sequence[SinkStatus]) -> list[str]:
    """Return a label for each sink: ``rtsp``, and ``rtsp-2`` for the second of a kind."""
    seen: Counter[str] = Counter()
    labels = []
    for sink in sinks:
        seen[sink.kind] += 1
        number = seen[sink.kind]
        labels.append(sink.kind if number == 1 else f"{sink.kind}-{number}")
    return labels
