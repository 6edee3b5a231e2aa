"""States of sources and sinks, reasons of failures and of drops: the closed sets of their names."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

# A source tries (connecting), gives frames (running), gives none (stalled), waits for its next try
# (waiting), is over (ended) or will not come (failed).
SourceState = Literal["connecting", "running", "stalled", "waiting", "ended", "failed"]
SinkState = Literal["connecting", "running", "waiting", "closed", "failed"]
FailureReason = Literal["refused", "timeout", "stall", "eof", "decode", "auth", "protocol", "other"]
# late: older than its deadline before the network began; superseded: a newer frame came first;
# backlog: old when it arrived, as after opening; corrupt: could not be decoded; rate: more frames
# than the fixed grid has places; format: came while a stream changed its format; stopped: on its
# way when the stream ended; failed: the upscaling of it raised an error.
DropReason = Literal[
    "late", "superseded", "backlog", "corrupt", "rate", "format", "stopped", "failed"
]
DROP_REASONS: tuple[DropReason, ...] = (
    "late",
    "superseded",
    "backlog",
    "corrupt",
    "rate",
    "format",
    "stopped",
    "failed",
)
# Frames that are shown and were not received for it.
Filler = Literal["repeat", "slate"]


@dataclass(frozen=True)
class Failure:
    """A reason why a source or a sink does not go on.

    Args:
        reason: Its kind.
        text: One line for people, without secrets.
        permanent: True where trying again is of no use.
    """

    reason: FailureReason
    text: str
    permanent: bool = False
