"""HTTP and HTTPS: ranges of a file, redirections, answers that are errors."""

from __future__ import annotations

import base64
import contextlib
import http.client
import re
import ssl
import urllib.error
import urllib.request
from dataclasses import dataclass
from http import HTTPStatus
from typing import IO, Any
from urllib.parse import quote, unquote, urlsplit, urlunsplit

from vidsr import __version__
from vidsr.errors import InputError, NoInputError
from vidsr.video.addresses.connection import (
    BrokenError,
    Connection,
    Patience,
    hang_up,
    unreadable,
)
from vidsr.video.locator import Locator

SCHEMES = ("http", "https")
_BUSY = (408, 425, 429, 500, 502, 503, 504)
_MISSING = (404, 410)
_LOCKED = (401, 403, 407)
_SPAN = re.compile(r"bytes (\d+)-(\d+)/(\d+|\*)")
_SAFE = "/:?&=+,;@!$'()*%[]~-._#"


class _Redirections(urllib.request.HTTPRedirectHandler):
    """A follower of redirections, from HTTPS to HTTPS alone and never to another kind of address.

    The log-in goes to the first server only: it is a header that redirections do not take along.
    """

    def redirect_request(
        self,
        req: urllib.request.Request,
        fp: IO[bytes],
        code: int,
        msg: str,
        headers: http.client.HTTPMessage,
        newurl: str,
    ) -> urllib.request.Request | None:
        scheme = urlsplit(newurl).scheme
        if scheme not in SCHEMES or (req.type == "https" and scheme != "https"):
            fp.close()
            raise _elsewhere(Locator.of(req.full_url))
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _elsewhere(locator: Locator) -> InputError:
    return unreadable(locator, "is redirected to another kind of address, which is not followed")


def _opener() -> urllib.request.OpenerDirector:
    """Return an opener of HTTP and HTTPS, and of nothing else; proxies as the environment says."""
    opener = urllib.request.OpenerDirector()
    for handler in (
        urllib.request.ProxyHandler(),
        urllib.request.HTTPHandler(),
        urllib.request.HTTPSHandler(context=ssl.create_default_context()),
        _Redirections(),
        urllib.request.HTTPErrorProcessor(),
        urllib.request.HTTPDefaultErrorHandler(),
    ):
        opener.add_handler(handler)
    return opener


@dataclass
class HttpConnector:
    """Connections to one file behind an address.

    Args:
        url: The address, perhaps with user and password.
        patience: The limits of waiting.
    """

    url: str
    patience: Patience

    def __post_init__(self) -> None:
        self.locator = Locator.of(self.url)
        parts = urlsplit(self.url)
        user, _, host = parts.netloc.rpartition("@")
        name, _, password = user.partition(":")
        self._login = f"{unquote(name)}:{unquote(password)}" if user else ""
        self._plain = quote(urlunsplit(parts._replace(netloc=host, fragment="")), safe=_SAFE)
        self._opener = _opener()

    def connect(self, begin: int, version: str) -> Connection:
        """Ask for the bytes from ``begin`` on. Raises BrokenError, InputError."""
        request = urllib.request.Request(self._plain)
        request.add_header("User-Agent", f"vidsr/{__version__}")
        request.add_header("Accept-Encoding", "identity")
        request.add_header("Range", f"bytes={begin}-")
        if version and begin:
            request.add_header("If-Range", version)
        if self._login:
            coded = base64.b64encode(self._login.encode()).decode("ascii")
            request.add_unredirected_header("Authorization", f"Basic {coded}")
        try:
            response = self._opener.open(request, timeout=self.patience.timeout_s)
        except InputError:  # a redirection; it is a ValueError too
            raise
        except urllib.error.HTTPError as error:
            raise self._answered(error) from error
        except urllib.error.URLError as error:
            raise self._unreached(error.reason) from error
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise self._unreached(error) from error
        return self._connection(response)

    def _unreached(self, reason: object) -> Exception:
        if isinstance(reason, ssl.SSLCertVerificationError):
            return unreadable(self.locator, f"the certificate is not valid: {reason.reason}")
        if isinstance(reason, http.client.InvalidURL | ValueError | UnicodeError):
            return unreadable(self.locator, "is no address")
        text = getattr(reason, "strerror", None) or str(reason) or type(reason).__name__
        return BrokenError(text)

    def _answered(self, error: urllib.error.HTTPError) -> Exception:
        """Return what an answer means that is no success; its body is not looked at."""
        code = error.code
        error.close()
        try:
            reason = f"{code} {HTTPStatus(code).phrase}"
        except ValueError:
            reason = str(code)
        if code in _MISSING:
            return NoInputError(f"{self.locator}: no such file ({reason})")
        if code in _LOCKED:
            hint = "name them as in https://user:password@host/film.mp4." if code == 401 else ""
            return unreadable(self.locator, f"the server refuses ({reason})", hint)
        if code // 100 == 3:
            return _elsewhere(self.locator)
        if code in _BUSY:
            return BrokenError(reason)
        return unreadable(self.locator, f"the server answers {reason}")

    def _connection(self, response: Any) -> Connection:
        headers = response.headers
        etag = headers.get("ETag", "")
        version = etag if etag and not etag.startswith("W/") else headers.get("Last-Modified", "")
        length = _number(headers.get("Content-Length"))
        begin, size, ranged = 0, length, False
        if response.status == HTTPStatus.PARTIAL_CONTENT:
            match = _SPAN.match(headers.get("Content-Range", ""))
            if match is None:
                raise unreadable(self.locator, "the server does not say which part it sends")
            begin, ranged = int(match[1]), True
            size = None if match[3] == "*" else int(match[3])
        return Connection(
            read=_reader(response),
            close=response.close,
            begin=begin,
            size=size,
            ranged=ranged,
            version=version,
            certain=size is not None or bool(response.chunked),
            interrupt=lambda: _interrupt(response),
        )


def _interrupt(response: Any) -> None:
    with contextlib.suppress(OSError, ValueError):  # ended already
        hang_up(response.fileno())


def _number(text: str | None) -> int | None:
    return int(text) if text and text.isdigit() else None


def _reader(response: Any) -> Any:
    def read(size: int) -> bytes:
        try:
            data: bytes = response.read1(size)
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise BrokenError(getattr(error, "strerror", None) or str(error)) from error
        return data

    return read
