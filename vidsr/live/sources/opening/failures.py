"""Errors of a connection as failures: their kind, a line without secrets, whether to try again."""

from __future__ import annotations

import errno

import av

from vidsr.errors import VidsrError
from vidsr.live.base.states import Failure, FailureReason

ERRORS = (av.error.FFmpegError, OSError, EOFError, ValueError, RuntimeError)
_AUTH = (av.error.HTTPUnauthorizedError, av.error.HTTPForbiddenError)
_UNUSABLE = (
    av.error.ProtocolNotFoundError,
    av.error.DemuxerNotFoundError,
    av.error.OptionNotFoundError,
)
_REASONS: dict[int, FailureReason] = {
    errno.ECONNREFUSED: "refused",
    errno.ETIMEDOUT: "timeout",
    errno.EHOSTUNREACH: "refused",
    errno.ENETUNREACH: "refused",
    errno.EACCES: "auth",
    errno.EPERM: "auth",
}


# What comes of a connection that the peer has cut; RTMP calls everything an error of input.
_CUT = (errno.EIO, errno.ECONNRESET, errno.ECONNABORTED, errno.EPIPE)


def failure_of(error: BaseException, *, opening: bool, late: bool = False) -> Failure:
    """Return what an error means.

    FFmpeg's messages name the address with its password; only the kind of error is passed on.

    Args:
        error: What was raised by FFmpeg or the system.
        opening: True before the connection was open.
        late: True if it came when the time for opening was over.
    """
    text = "no answer in time" if late else _text(error)
    if isinstance(error, VidsrError):
        return Failure("other", text, permanent=True)
    if isinstance(error, _AUTH):
        return Failure("auth", f"the peer wants another user or password: {text}", permanent=True)
    if isinstance(error, _UNUSABLE):
        return Failure("protocol", f"FFmpeg cannot open this: {text}", permanent=True)
    reason = _reason(error, opening=opening, late=late)
    return Failure(reason, text, permanent=reason == "auth")


def _reason(error: BaseException, *, opening: bool, late: bool) -> FailureReason:
    if isinstance(error, av.error.ExitError) or late:
        return "timeout" if opening else "stall"
    if isinstance(error, EOFError):
        return "eof"
    number = getattr(error, "errno", None) or 0
    if number in _REASONS:
        return _REASONS[number]
    if number in _CUT and not opening:
        return "eof"
    if isinstance(error, av.error.InvalidDataError | av.error.HTTPError):
        return "protocol"
    return "other"


def _text(error: BaseException) -> str:
    if isinstance(error, VidsrError):
        return str(error)
    if isinstance(error, av.error.ExitError):
        return "no answer in time"
    return getattr(error, "strerror", None) or type(error).__name__
