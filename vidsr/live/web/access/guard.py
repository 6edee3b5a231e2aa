"""Guard before all handlers: hosts, origins, tokens and cookies, attempts."""

from __future__ import annotations

import ipaddress
import math
from urllib.parse import quote

from aiohttp import web
from aiohttp.typedefs import Handler

from vidsr.live.web.access.hosts import AllowedHosts
from vidsr.live.web.access.origins import is_foreign
from vidsr.live.web.access.sessions import COOKIE, Sessions
from vidsr.live.web.access.throttle import Throttle
from vidsr.live.web.access.tokens import Token

OPEN_TO_ALL = ("/healthz",)
# What the login page is made of.
OPEN_TO_GUESTS = ("/login", "/static/page.css", "/static/icon.svg")
_SCHEME = "bearer "
_IPV6_PREFIX = 64  # a network of one subscriber, who may take any address in it


class Guard:
    """Judge of requests, and of attempts to show the token.

    Args:
        token: The secret to show; None lets everybody in whose Host and origin are right.
        hosts: Names under which the server answers.
        throttle: The record of failed attempts.
    """

    def __init__(
        self, token: Token | None, hosts: AllowedHosts, throttle: Throttle | None = None
    ) -> None:
        self._token = token
        self._hosts = hosts
        self._throttle = throttle or Throttle()
        self.sessions = None if token is None else Sessions(token)

    def attempt(self, request: web.Request, text: str) -> bool:
        """Return True if ``text`` is the token; count the attempt.

        Raises:
            web.HTTPTooManyRequests: The address has to wait.
        """
        address = _network(request.remote or "")
        if wait_s := self._throttle.wait_s(address):
            raise web.HTTPTooManyRequests(
                text="too many attempts\n", headers={"Retry-After": str(math.ceil(wait_s))}
            )
        if self._token is not None and self._token.matches(text):
            self._throttle.succeeded(address)
            return True
        self._throttle.failed(address)
        return False

    def check(self, request: web.Request) -> None:
        """Return where a request may pass.

        Raises:
            web.HTTPException: It may not; the answer says why, or leads to the login page.
        """
        if request.path in OPEN_TO_ALL:
            return
        if not self._hosts.allows(request.headers.get("Host", "")):
            raise web.HTTPForbidden(
                text="this name is not one of the server's; `hosts` in its options adds it\n"
            )
        if is_foreign(request):
            raise web.HTTPForbidden(text="requests from pages of other sites are refused\n")
        if self.sessions is None or request.path in OPEN_TO_GUESTS:
            return
        if self.sessions.holds(request.cookies.get(COOKIE, "")):
            return
        self._check_bearer(request)

    def _check_bearer(self, request: web.Request) -> None:
        header = request.headers.get("Authorization", "")
        if header.lower().startswith(_SCHEME):
            if self.attempt(request, header[len(_SCHEME) :].strip()):
                return
        elif request.method == "GET" and "text/html" in request.headers.get("Accept", ""):
            raise web.HTTPSeeOther(f"/login?next={quote(request.raw_path, safe='')}")
        raise web.HTTPUnauthorized(
            text="expected a token in the header `Authorization: Bearer`\n",
            headers={"WWW-Authenticate": 'Bearer realm="vidsr"'},
        )

    @web.middleware
    async def middleware(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Answer a request by its handler, if it may pass."""
        self.check(request)
        return await handler(request)


def _network(address: str) -> str:
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return address
    if ip.version == 4:
        return address
    return str(ipaddress.ip_network((ip, _IPV6_PREFIX), strict=False))
