"""Check of where a request comes from, against pages of strangers in the same browser."""

from __future__ import annotations

from urllib.parse import urlsplit

from aiohttp import web

_OWN = ("same-origin", "none")  # none: typed by the user, or from a bookmark


def is_foreign(request: web.Request) -> bool:
    """Return True if another site's page made a browser send this request.

    A link from another site to a page is no such request: nothing happens, and nothing is embedded.
    Programs that are no browsers send none of the headers that are looked at.
    """
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None:
        link = request.method == "GET" and request.headers.get("Sec-Fetch-Mode") == "navigate"
        top = request.headers.get("Sec-Fetch-Dest") == "document"
        return site not in _OWN and not (link and top)
    origin = request.headers.get("Origin")
    if origin is None:
        return False
    return urlsplit(origin).netloc.lower() != request.headers.get("Host", "").lower()
