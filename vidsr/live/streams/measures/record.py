"""States of a stream's source and sinks, with its counters and measures: what a snapshot is of."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, replace

from vidsr.live.base.counters import Counters
from vidsr.live.base.states import Failure, SinkState, SourceState
from vidsr.live.base.status import Queue, SinkStatus, StreamStatus
from vidsr.live.streams.measures.rates import Percentiles, Rate


@dataclass(frozen=True)
class Identity:
    """Facts of a stream that stay while it runs.

    Args:
        name: Its name.
        source: The source's address without secrets.
        source_kind: The source's scheme.
        sinks: (name without secrets, scheme) of each sink.
        model: The model as it was asked for.
    """

    name: str
    source: str
    source_kind: str
    sinks: tuple[tuple[str, str], ...]
    model: str


class StreamRecord:
    """All that a stream notes about itself. For use by all of its threads.

    It is the stream's ``SinkEvents``, but for the wish for a key frame.
    """

    def __init__(self, identity: Identity) -> None:
        now_s = time.time()
        self.counters = Counters()
        self.received = Rate(time.monotonic())
        self.shown = Rate(time.monotonic())
        self.latency = Percentiles()
        self._lock = threading.Lock()
        self._levels: tuple[str, ...] = ()
        sinks = tuple(SinkStatus(n, kind, "connecting", now_s) for n, kind in identity.sinks)
        self._sinks = {sink.name: sink for sink in sinks}
        self._status = StreamStatus(
            name=identity.name,
            state="connecting",
            since_s=now_s,
            started_s=now_s,
            source=identity.source,
            source_kind=identity.source_kind,
            model=identity.model,
            levels=(),
            level="",
        )

    @property
    def name(self) -> str:
        """The stream's name."""
        return self._status.name

    @property
    def state(self) -> SourceState:
        """The state of the source."""
        return self._status.state

    @property
    def error(self) -> str | None:
        """The newest failure of the source in one line, None while it runs."""
        return self._status.error

    @property
    def rate(self) -> float | None:
        """Frames a second as the source states them, None where it does not."""
        return self._status.rate

    def note(self, **changed: object) -> None:
        """Take new values of a snapshot's fields."""
        with self._lock:
            self._status = replace(self._status, **changed)  # type: ignore[arg-type]

    def source_state(self, state: SourceState, failure: Failure | None) -> None:
        """Take a new state of the source."""
        if failure is not None:
            self.counters.failed(failure.reason)
        with self._lock:
            error = failure.text if failure else self._status.error
            since_s = self._status.since_s if state == self._status.state else time.time()
            error = None if state == "running" else error
            self._status = replace(self._status, state=state, since_s=since_s, error=error)

    def sink_state(self, sink: str, state: SinkState, failure: Failure | None = None) -> None:
        """Take a new state of a sink."""
        with self._lock:
            before = self._sinks.get(sink) or SinkStatus(sink, "", state, time.time())
            again = state == "running" and before.error is not None
            since_s = before.since_s if state == before.state else time.time()
            error = failure.text if failure else before.error
            error = None if state == "running" else error
            self._sinks[sink] = replace(before, state=state, since_s=since_s, error=error)
        if again:
            self.counters.sink_restarted(sink)

    def sent(self, sink: str, packets: int, size_bytes: int) -> None:
        """Count what a sink has passed on."""
        self.counters.sent(sink, size_bytes)

    def sink_dropped(self, sink: str, packets: int) -> None:
        """Count packets of video that a sink did not pass on."""
        self.counters.sink_dropped(sink, packets)

    def snapshot(self, queued: dict[Queue, int]) -> StreamStatus:
        """Return the stream at this moment."""
        now_s = time.monotonic()
        p50_s, p95_s = self.latency.at(0.5, 0.95)
        with self._lock:
            status, sinks = self._status, tuple(self._sinks.values())
        return replace(
            status,
            sinks=sinks,
            fps_in=self.received.per_second(now_s),
            fps_out=self.shown.per_second(now_s),
            latency_p50_s=p50_s,
            latency_p95_s=p95_s,
            queued=queued,
            tally=self.counters.tally(),
        )
