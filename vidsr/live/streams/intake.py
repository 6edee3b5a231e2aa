"""The receiving end of a stream: counts what its source brings, and gives it to the scheduler."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from vidsr.live.base.items import Arrival, CodedPacket
from vidsr.live.base.states import DropReason, Failure, SourceState
from vidsr.live.streams.measures.record import StreamRecord
from vidsr.live.streams.showing.previews import Previews

if TYPE_CHECKING:
    from vidsr.live.base.formats import SourceFormat
    from vidsr.live.streams.showing.output import Output

OVER: tuple[SourceState, ...] = ("ended", "failed")


class Intake:
    """Receiver of a stream's source.

    Args:
        record: Where everything is noted.
        submit: The scheduler's way in.
        output: The output, which learns of formats, sound and the end.
        previews: Copies for viewers.
    """

    def __init__(
        self,
        record: StreamRecord,
        submit: Callable[[Arrival], None],
        output: Output,
        previews: Previews,
    ) -> None:
        self._record, self._submit = record, submit
        self._output, self._previews = output, previews
        self._connection = 0

    def format(self, format: SourceFormat) -> None:
        """Take the format of what follows."""
        pictures = format.video.format
        size = pictures.width, pictures.height
        self._record.note(size_in=size, rate=float(format.video.rate))
        self._output.source_format(format)

    def frame(self, arrival: Arrival) -> None:
        """Count a frame, and give it to the scheduler."""
        record = self._record
        record.counters.received()
        record.received.add(time.monotonic())
        if arrival.connection != self._connection:
            self._connection = arrival.connection
            record.counters.connected()
            record.note(connection=arrival.connection)
        now_s = time.time()
        record.note(last_frame_s=now_s)
        if arrival.sent_s is not None:
            record.counters.age(max(0.0, now_s - arrival.sent_s))
        self._previews.arrived(arrival)
        self._submit(arrival)

    def lost(self, reason: DropReason, count: int = 1) -> None:
        """Count frames that were received and are not given."""
        self._record.counters.received(count)
        self._record.counters.dropped(reason, count)
        if reason == "corrupt":
            self._record.counters.corrupt_packet()

    def sound(self, packet: CodedPacket) -> None:
        """Pass a packet of sound on."""
        self._output.sound(packet)

    def state(self, state: SourceState, failure: Failure | None = None) -> None:
        """Note a new state; the end of the source is that of the output."""
        self._record.source_state(state, failure)
        if state in OVER:
            self._output.drain()

    def received(self, size_bytes: int) -> None:
        """Count bytes of packets."""
        self._record.counters.received_bytes(size_bytes)
