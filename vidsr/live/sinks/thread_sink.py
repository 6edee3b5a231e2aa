"""A sink of packets with a thread of its own: what blocks there stops nothing else."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from vidsr.errors import OptionError
from vidsr.live.base.backoff import Backoff
from vidsr.live.base.formats import CodedFormat
from vidsr.live.base.items import CodedPacket
from vidsr.live.base.options import ReconnectOptions
from vidsr.live.base.states import Failure
from vidsr.live.sinks.muxing.mux_format import MuxFormat
from vidsr.live.sinks.muxing.muxer import MUX_ERRORS
from vidsr.live.sinks.muxing.video_fit import check_carried
from vidsr.live.sinks.packet_queue import PacketQueue
from vidsr.live.sinks.patience import Patience
from vidsr.live.sinks.reports import SinkReports, failure_of
from vidsr.live.sinks.writers import Writer, WriterMaker

CLOSE_S = 1.5
# A connection that lasted so long begins the row of pauses anew.
STEADY_S = 5.0
_POLL_S = 0.25
# Sinks are back within 2.5 s of their peer, jitter and the start of a child included. A try that
# fails is a connection and no process.
SINK_RECONNECT = ReconnectOptions(first_s=0.25, longest_s=0.5)


@dataclass
class _Sent:
    """Packets and bytes of one writer: those given to it, and those it has passed on."""

    taken: int = 0
    packets: int = 0
    size_bytes: int = 0


class ThreadSink:
    """A packet sink whose target is written by a thread of its own, in this process.

    Args:
        maker: The target.
        reports: The way of states and counts.
        container: FFmpeg's name of the container, by which sound is chosen.
        make_queue: Maker of the queue in which the packets of one format wait for the thread.
        reconnect: When a failed target is tried again.
        patience: With it, the end waits until all is written.
    """

    def __init__(
        self,
        maker: WriterMaker,
        reports: SinkReports,
        container: str,
        make_queue: Callable[[], PacketQueue] = PacketQueue,
        reconnect: ReconnectOptions = SINK_RECONNECT,
        patience: Patience | None = None,
    ) -> None:
        self.container, self._patience = container, patience
        self._maker, self._reports = maker, reports
        self._make_queue = make_queue
        self._backoff = Backoff(reconnect)
        self._lock = threading.Lock()
        self._queue: PacketQueue | None = None
        self._formats: list[tuple[MuxFormat, PacketQueue]] = []
        self._changed = threading.Condition(self._lock)
        self._closing = self._over = False
        self._thread: threading.Thread | None = None
        self._opened_s: float | None = None
        self._written = _Sent()

    @property
    def name(self) -> str:
        """The address without secrets."""
        return self._reports.name

    def open(self, format: CodedFormat) -> None:
        """Take the format of what follows; a queue of its own keeps the formats apart."""
        with self._changed:
            if self._closing or self._refuses(format.codec):
                return
            if self._queue is not None:
                self._queue.close()
            self._queue = self._make_queue()
            self._formats.append((MuxFormat.of(format), self._queue))
            self._changed.notify()
            if self._thread is None:
                self._thread = threading.Thread(
                    target=self._run, name=f"vidsr sink {self.name}", daemon=True
                )
                self._thread.start()

    def _refuses(self, codec: str) -> bool:
        """Return True, and report it, for video that the container does not carry."""
        try:
            check_carried(self.name, self.container, codec)
        except OptionError as error:
            failure = Failure("protocol", error.message, permanent=True)
            self._over = True
            self._reports.enter("failed", failure)
            return True
        return False

    def write(self, packet: CodedPacket) -> None:
        """Take a packet, or drop and count it."""
        queue = self._queue
        if queue is None or self._over or self._closing:
            self._reports.dropped(packet.kind == "video")
            return
        dropped, wants_key = queue.put(packet)
        self._reports.dropped(dropped)
        if wants_key:
            self._reports.want_key_frame()

    def close(self) -> None:
        """Write what is there and end, within two seconds whoever reads."""
        with self._changed:
            self._closing = True
            if self._queue is not None:
                self._queue.close()
            self._changed.notify()
        thread = self._thread
        if thread is None:
            if self._reports.state != "failed":
                self._reports.enter("closed")
            return
        if self._patience is not None:
            self._patience.join(thread)
        thread.join(CLOSE_S)
        if thread.is_alive():
            self._maker.stop()
            thread.join(0.4)

    def _run(self) -> None:
        try:
            while (entry := self._next()) is not None:
                self._serve(*entry)
        finally:
            self._over = True
            self._drop_rest()
            self._end()
            if self._reports.state != "failed":
                self._reports.enter("closed")

    def _end(self) -> None:
        """Have the target write its end, unless it has failed: what it told is the reason then."""
        if self._reports.state in ("failed", "waiting"):
            return
        try:
            self._maker.end()
        except MUX_ERRORS as error:
            self._reports.enter("failed", failure_of(error, "ending failed"))

    def _next(self) -> tuple[MuxFormat, PacketQueue] | None:
        """Return the next format with its packets; None at the end."""
        with self._changed:
            while not self._formats and not self._closing and not self._over:
                self._changed.wait()
            return self._formats.pop(0) if self._formats and not self._over else None

    def _serve(self, format: MuxFormat, queue: PacketQueue) -> None:
        """Write all packets of one format, opening the target again where it fails."""
        while not self._done(queue):
            self._reports.enter("connecting")
            self._opened_s = None
            try:
                writer = self._maker.open(format)
            except MUX_ERRORS as error:
                self._failed(error, "opening failed", queue)
                continue
            self._opened_s = time.monotonic()
            if queue.resume():
                self._reports.want_key_frame()
            try:
                self._write_all(writer, queue)
            except MUX_ERRORS as error:
                self._failed(error, "writing failed", queue)

    def _done(self, queue: PacketQueue) -> bool:
        return self._over or (queue.closed and not len(queue))

    def _write_all(self, writer: Writer, queue: PacketQueue) -> None:
        self._written = _Sent()
        self._reports.enter("running")
        try:
            while not self._done(queue):
                packet = queue.get(_POLL_S)
                if packet is None:
                    writer.look_after()
                else:
                    self._written.taken += packet.kind == "video"
                    writer.write(packet)
                self._count(writer)
            writer.close()
        except MUX_ERRORS:
            self._give_up(writer)
            raise
        finally:
            self._count(writer)
            self._reports.dropped(self._written.taken - self._written.packets)

    def _count(self, writer: Writer) -> None:
        """Report what has been passed on since the last time."""
        done, packets, size = self._written, writer.packets, writer.size_bytes
        self._reports.sent(packets - done.packets, size - done.size_bytes)
        done.packets, done.size_bytes = packets, size

    def _give_up(self, writer: Writer) -> None:
        try:
            writer.close()
        except MUX_ERRORS:
            return  # it has failed already, and why is known

    def _failed(self, error: BaseException, doing: str, queue: PacketQueue) -> None:
        """Report a failure, and wait until the target is to be tried again."""
        failure = failure_of(error, doing)
        self._reports.dropped(queue.pause())
        if self._opened_s is not None and time.monotonic() - self._opened_s > STEADY_S:
            self._backoff.reset()
        if self._maker.once or failure.permanent:
            self._over = True
            self._reports.enter("failed", failure)
            return
        self._reports.enter("waiting", failure)
        end_s = time.monotonic() + self._backoff.wait_s()
        with self._changed:
            while not self._closing and (rest_s := end_s - time.monotonic()) > 0:
                self._changed.wait(rest_s)
            if self._closing:
                self._over = True

    def _drop_rest(self) -> None:
        for _, queue in self._formats:
            self._reports.dropped(queue.pause())
        if self._queue is not None:
            self._reports.dropped(self._queue.pause())
