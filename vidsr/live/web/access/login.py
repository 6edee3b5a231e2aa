"""Login page of browsers: the token once in a form, then a cookie."""

from __future__ import annotations

import re
from collections.abc import Callable

from aiohttp import web

from vidsr.live.web.access.guard import Guard
from vidsr.live.web.access.sessions import COOKIE, LIFETIME_S

# Pages of this server alone: a login leads nowhere else.
_PLACE = re.compile(r"/(streams/[^/?#\\\s]+)?")


class Login:
    """Handlers of login and logout.

    Args:
        guard: The judge of tokens.
        page: The function that draws the page, from the place to go to and a complaint, which may
            be empty.
    """

    def __init__(self, guard: Guard, page: Callable[[str, str], str]) -> None:
        self._guard = guard
        self._page = page

    async def show(self, request: web.Request) -> web.Response:
        """Answer with the form, or lead on where no token is needed."""
        if self._guard.sessions is None:
            raise web.HTTPSeeOther("/")
        return self._form(_place(request.query.get("next", "/")))

    async def enter(self, request: web.Request) -> web.Response:
        """Judge the token of the form, and give the cookie."""
        if self._guard.sessions is None:
            raise web.HTTPSeeOther("/")
        form = await request.post()
        place, token = _place(str(form.get("next", "/"))), str(form.get("token", "")).strip()
        try:
            right = self._guard.attempt(request, token)
        except web.HTTPTooManyRequests as error:
            wait_s = error.headers["Retry-After"]
            response = self._form(place, f"Too many attempts. Try again in {wait_s} s.", 429)
            response.headers["Retry-After"] = wait_s
            return response
        if not right:
            return self._form(place, "That is not the token.", 401)
        answer = web.Response(status=303, headers={"Location": place})
        answer.set_cookie(
            COOKIE,
            self._guard.sessions.begin(),
            max_age=LIFETIME_S,
            path="/",
            httponly=True,
            samesite="Strict",
            secure=_is_encrypted(request),
        )
        return answer

    async def leave(self, request: web.Request) -> web.Response:
        """Take the cookie back."""
        answer = web.Response(status=303, headers={"Location": "/login"})
        answer.del_cookie(COOKIE, path="/", httponly=True, samesite="Strict")
        return answer

    def _form(self, place: str, complaint: str = "", status: int = 200) -> web.Response:
        return web.Response(
            text=self._page(place, complaint), status=status, content_type="text/html"
        )


def _place(text: str) -> str:
    return text if _PLACE.fullmatch(text) else "/"


def _is_encrypted(request: web.Request) -> bool:
    """Return True if the browser speaks HTTPS, to this server or to a proxy before it.

    Whoever invents the proxy's header harms only the own cookie.
    """
    return request.secure or request.headers.get("X-Forwarded-Proto", "").lower() == "https"
