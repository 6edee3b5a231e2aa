"""Failures of stores in words of our own: those of libraries may repeat addresses and keys."""

from __future__ import annotations

import errno
import os
from dataclasses import dataclass
from typing import Any

from vidsr.errors import VidsrError

# Errors of our own programs, which no store makes.
FAULTS = (TypeError, AttributeError, NameError, AssertionError, MemoryError, VidsrError)
_EXISTS = ("PreconditionFailed", "ConditionalRequestConflict")
_BUSY = ("SlowDown", "ServiceUnavailable", "RequestLimitExceeded", "503", "429")
_NO_BUCKET = ("NoSuchBucket", "ContainerNotFound")
_REFUSED = ("AccessDenied", "InvalidAccessKeyId", "SignatureDoesNotMatch", "ExpiredToken", "403")
# Parts of names of exceptions, since the packages that they come from need not be installed.
_UNREACHED = ("EndpointConnection", "ConnectTimeout", "ConnectionClosed", "ReadTimeout", "Timeout")
_NO_KEYS = ("NoCredentials", "PartialCredentials", "CredentialRetrieval", "DefaultCredentials")
_CONFIGURED = "in the environment or in fsspec's configuration"


@dataclass(frozen=True)
class Failure:
    """A failure of a store.

    Args:
        reason: What went wrong, to stand behind a name and a colon.
        hint: The step that may mend it, or "".
        lasting: True where another try would end the same way.
        busy: True where the store asks for patience.
    """

    reason: str
    hint: str = ""
    lasting: bool = True
    busy: bool = False


def code_of(error: BaseException) -> str:
    """Return the code that a store of S3's kind has answered with, empty for none."""
    for one in (error, error.__cause__):
        response: Any = getattr(one, "response", None)
        if isinstance(response, dict):
            return str(response.get("Error", {}).get("Code", ""))
    return ""


def says_exists(error: BaseException) -> bool:
    """Return True where a store refuses to create what is there already."""
    return isinstance(error, FileExistsError) or code_of(error) in _EXISTS


def failure_of(error: BaseException) -> Failure:
    """Return the failure that an exception of a store's library stands for."""
    kind, code = type(error).__name__, code_of(error)
    if code in _NO_BUCKET:
        return Failure("no such bucket", "create it first, or correct the name.")
    if any(part in kind for part in _NO_KEYS):
        return Failure("no credentials", f"give those of the store {_CONFIGURED}.")
    if code in _REFUSED or isinstance(error, PermissionError):
        return Failure("the store refuses access", f"check the credentials {_CONFIGURED}.")
    if code in _BUSY:
        hint = "have fewer workers at it, or go on later."
        return Failure("the store is overloaded", hint, lasting=False, busy=True)
    away = isinstance(error, ConnectionError | TimeoutError)
    if away or any(part in kind for part in _UNREACHED):
        hint = f"check the network, and the endpoint {_CONFIGURED}."
        return Failure("the store cannot be reached", hint, lasting=False)
    if isinstance(error, FileNotFoundError):
        return Failure("no such object")
    number = error.errno if isinstance(error, OSError) else None
    if number and number != errno.EIO:
        return Failure(os.strerror(number), lasting=False)
    return Failure(f"the store fails with {code or kind}", lasting=False)
