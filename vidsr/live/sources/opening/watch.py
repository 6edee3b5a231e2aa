"""The state of a source as its thread finds it, told to the receiver; and the timer of stalls."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from vidsr.live.base.options import SourceOptions
from vidsr.live.base.roles import Receiver
from vidsr.live.base.states import Failure, SourceState
from vidsr.live.sources.opening.address import Address, Kind

# A stalled connection is kept for as long again: a peer that was only held up goes on, and nothing
# is lost. That of an SRT peer that was killed would only end after 5 s of silence. One that sends
# packets of which no picture can be made, as before a distant key frame, is given more.
PATIENCE = 2
PATIENCE_BY_KIND: dict[Kind, int] = {"srt": 1}
PATIENCE_WITH_PACKETS = 4


class Watch:
    """A timer of one source's connections, and the one who tells its states.

    Args:
        receiver: Who is told.
        address: Whose connections are timed; nobody gives a pipe or a file up.
        options: ``stall_s`` and ``open_s``.
        over: Set when nobody is to be told any more.
        now: The monotonic clock.
    """

    def __init__(
        self,
        receiver: Receiver,
        address: Address,
        options: SourceOptions,
        over: threading.Event,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._receiver, self._options, self._over, self._now = receiver, options, over, now
        self._patience = PATIENCE_BY_KIND.get(address.kind, PATIENCE)
        self._gives_up = not address.finite
        self.state: SourceState | None = None
        self.failure: Failure | None = None
        self.last_frame_s = now()  # of any connection; the beginning, before the first
        self._packet_s = self._frame_s = now()
        self._packets = False

    def tell(self, state: SourceState, failure: Failure | None = None) -> None:
        """Tell a state, unless it is the one told last or the source was stopped."""
        if state == self.state or self._over.is_set():
            return
        self.state = state
        self._receiver.state(state, failure)

    def connecting(self) -> None:
        """Begin to time a new connection."""
        self._packet_s = self._frame_s = self._now()
        self._packets, self.failure = False, None
        self.tell("connecting")

    def called(self) -> None:
        """Time from now on: a peer that was waited for has called."""
        self._packet_s = self._frame_s = self._now()

    def packet(self) -> float:
        """Take note of a packet; return the monotonic clock."""
        self._packet_s, self._packets = self._now(), True
        return self._packet_s

    def frame(self) -> bool:
        """Take note of a frame; return True if it is the first after a silence."""
        self._frame_s = self.last_frame_s = self._now()
        first = self.state != "running"
        self.tell("running")
        return first

    def waits(self) -> bool:
        """Look at the clock while nothing comes; return True where the connection is given up."""
        now_s, stall_s = self._now(), self._options.stall_s
        frameless_s, silent_s = now_s - self._frame_s, now_s - self._packet_s
        if self.state == "running" and frameless_s > stall_s:
            self.tell("stalled", Failure("stall", f"no frame for {stall_s:g} s"))
        if not self._gives_up:
            return False
        if not self._packets and silent_s > max(stall_s, self._options.open_s):
            self.failure = Failure("timeout", f"nothing came for {silent_s:.1f} s")
        elif self._packets and silent_s > self._patience * stall_s:
            self.failure = Failure("stall", f"nothing came for {silent_s:.1f} s")
        elif frameless_s > self._options.open_s + PATIENCE_WITH_PACKETS * stall_s:
            self.failure = Failure("decode", f"no frame for {frameless_s:.1f} s, only packets")
        return self.failure is not None
