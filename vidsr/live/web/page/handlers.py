"""Handlers of pages and of the files that they are made of."""

from __future__ import annotations

from aiohttp import web

from vidsr.live.base.status import StreamsView
from vidsr.live.web.page.overview import overview_page
from vidsr.live.web.page.stream_page import stream_page
from vidsr.live.web.page.templates import static_files
from vidsr.live.web.snapshot_json import snapshots


class Pages:
    """Handlers of pages.

    Args:
        view: The streams.
        may_leave: True where browsers have sessions.
    """

    def __init__(self, view: StreamsView, *, may_leave: bool) -> None:
        self._view = view
        self._may_leave = may_leave

    async def all(self, request: web.Request) -> web.Response:
        """Answer with the page of all streams."""
        page = overview_page(self._view.service(), snapshots(self._view), may_leave=self._may_leave)
        return web.Response(text=page, content_type="text/html")

    async def one(self, request: web.Request) -> web.Response:
        """Answer with the page of one stream."""
        stream = self._view.status(request.match_info["name"])
        if stream is None:
            raise web.HTTPNotFound(text="no such stream\n")
        page = stream_page(stream, may_leave=self._may_leave)
        return web.Response(text=page, content_type="text/html")

    async def static(self, request: web.Request) -> web.Response:
        """Answer with a file of the pages."""
        found = static_files().get(request.match_info["name"])
        if found is None:
            raise web.HTTPNotFound(text="no such file\n")
        body, content_type = found
        return web.Response(
            body=body,
            content_type=content_type,
            charset="utf-8",
            headers={"Cache-Control": "no-cache"},
        )
