"""What a sink tells of itself: states and failures without secrets, and what it has passed on."""

from __future__ import annotations

import errno
import re
from collections.abc import Iterable

import av

from vidsr.live.base.roles import SinkEvents
from vidsr.live.base.states import Failure, FailureReason, SinkState
from vidsr.video.locator import HIDDEN

_ERRNOS: dict[int, FailureReason] = {
    errno.ECONNREFUSED: "refused",
    errno.ETIMEDOUT: "timeout",
    errno.EHOSTUNREACH: "timeout",
    errno.ENETUNREACH: "timeout",
    errno.EPIPE: "eof",
    errno.ECONNRESET: "eof",
    errno.EINVAL: "protocol",
}
_AUTH = (av.error.HTTPUnauthorizedError, av.error.HTTPForbiddenError, PermissionError)
_PROTOCOL = (
    *(av.error.ProtocolNotFoundError, av.error.InvalidDataError, av.error.MuxerNotFoundError),
    *(av.error.OptionNotFoundError, ValueError),
)
# Of which a second try brings the same.
_PERMANENT = (
    *(av.error.HTTPUnauthorizedError, av.error.HTTPForbiddenError),
    *(av.error.ProtocolNotFoundError, av.error.MuxerNotFoundError),
)


class SinkReports:
    """The way from one sink to its stream: states are passed on once, texts without secrets.

    Args:
        name: The sink's address without secrets.
        events: The receiver of the reports.
        secrets: Parts of the address that no text may hold.
    """

    def __init__(self, name: str, events: SinkEvents, secrets: Iterable[str] = ()) -> None:
        self.name, self._events = name, events
        self._secrets = sorted((s for s in secrets if s), key=len, reverse=True)
        self.state: SinkState | None = None

    def enter(self, state: SinkState, failure: Failure | None = None) -> None:
        """Pass on a state, unless it is the one that was passed on last."""
        if state == self.state and failure is None:
            return
        self.state = state
        if failure is not None:
            text = self._redacted(failure.text)
            failure = Failure(failure.reason, text, permanent=failure.permanent)
        self._events.sink_state(self.name, state, failure)

    def sent(self, packets: int, size_bytes: int) -> None:
        """Count packets of video, and bytes, that were passed on."""
        if packets or size_bytes:
            self._events.sent(self.name, packets, size_bytes)

    def dropped(self, packets: int) -> None:
        """Count packets of video that were not."""
        if packets:
            self._events.sink_dropped(self.name, packets)

    def want_key_frame(self) -> None:
        """Ask for a key frame."""
        self._events.key_frame_wanted()

    def _redacted(self, text: str) -> str:
        for secret in self._secrets:
            text = text.replace(secret, HIDDEN)
        return " ".join(re.sub(r"[\x00-\x1f]", " ", text).split())


def failure_of(error: BaseException, doing: str) -> Failure:
    """Return why a sink does not go on.

    Args:
        error: What was raised. Its text is left out: PyAV puts addresses with passwords into it.
        doing: What was being done, the beginning of the sentence.
    """
    told = getattr(error, "failure", None)
    if isinstance(told, Failure):
        return told
    words = getattr(error, "strerror", None) or type(error).__name__
    return Failure(reason_of(error), f"{doing}: {words}", permanent=isinstance(error, _PERMANENT))


def reason_of(error: BaseException) -> FailureReason:
    """Return the kind of failure that an error is."""
    if isinstance(error, _AUTH):
        return "auth"
    if isinstance(error, _PROTOCOL):
        return "protocol"
    if isinstance(error, av.error.EOFError):
        return "eof"
    return _ERRNOS.get(getattr(error, "errno", None) or 0, "other")
