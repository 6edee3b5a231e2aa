"""Handlers of pictures: moving ones, pairs for comparison, all streams at once, and stills."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from aiohttp import web

from vidsr.live.base.status import PicturePair, StreamsView
from vidsr.live.web.previews.feed import Feed, Viewer, fresh
from vidsr.live.web.previews.hub import Full, Hub
from vidsr.live.web.previews.multipart import STUCK_S, Parts, part
from vidsr.live.web.previews.variants import Variant, parse_variant

STILL_S = 3.0
_SECONDS = "2"


class Pictures:
    """Handlers of pictures.

    Args:
        view: The streams.
        hub: Their feeds.
    """

    def __init__(self, view: StreamsView, hub: Hub) -> None:
        self._view = view
        self._hub = hub

    async def preview(self, request: web.Request) -> web.StreamResponse:
        """Answer with moving pictures of one stream."""
        return await self._stream(request, [self._name(request)], [_variant(request, "small")])

    async def pairs(self, request: web.Request) -> web.StreamResponse:
        """Answer with moving pictures of one stream, each followed by its source."""
        output = _variant(request, "full")
        both = [Variant("output", output.extent), Variant("source", output.extent)]
        return await self._stream(request, [self._name(request)], both)

    async def all(self, request: web.Request) -> web.StreamResponse:
        """Answer with moving pictures of many streams, in one connection.

        Browsers open six connections to a server, which as many pictures would take.
        """
        wanted = request.query.getall("stream", [])
        names = [name for name in self._view.names() if not wanted or name in wanted]
        return await self._stream(request, names, [_variant(request, "small")])

    async def still(self, request: web.Request) -> web.Response:
        """Answer with the newest picture of one stream, once there is one."""
        variant = _variant(request, "full")
        try:
            with self._hub.viewer([self._name(request)]) as (viewer, (feed,)):
                jpeg = await _first(viewer, feed, variant)
        except Full:
            raise _too_many() from None
        if jpeg is None:
            raise web.HTTPServiceUnavailable(
                text="no picture yet\n", headers={"Retry-After": _SECONDS}
            )
        return web.Response(body=jpeg, content_type="image/jpeg")

    def _name(self, request: web.Request) -> str:
        name = request.match_info["name"]
        if name not in self._view.names():
            raise web.HTTPNotFound(text="no such stream\n")
        return name

    async def _stream(
        self, request: web.Request, names: Sequence[str], variants: Sequence[Variant]
    ) -> web.StreamResponse:
        try:
            with self._hub.viewer(names) as (viewer, feeds):
                parts = Parts(request, STUCK_S)
                response = await parts.begin()
                await _serve(viewer, feeds, variants, parts)
                return response
        except Full:
            raise _too_many() from None


async def _serve(
    viewer: Viewer, feeds: Sequence[Feed], variants: Sequence[Variant], parts: Parts
) -> None:
    """Write the newest of every feed in turn, until a stream ends or the viewer goes."""
    seen: dict[Feed, PicturePair] = {}
    clock = asyncio.get_running_loop().time
    while not any(feed.ended for feed in feeds):
        viewer.news.clear()
        turn = fresh(feeds, seen)
        if not turn:
            await viewer.news.wait()
        for feed in turn:
            pair = feed.pair
            if pair is None:
                continue
            seen[feed] = pair
            data = await _parts_of(feed, pair, variants)
            viewer.busy_since_s = clock()
            if not await parts.write(data):
                return
            viewer.busy_since_s = None


async def _parts_of(feed: Feed, pair: PicturePair, variants: Sequence[Variant]) -> bytes:
    data = []
    for variant in variants:
        jpeg = await feed.jpeg(pair, variant)
        if jpeg is not None:
            alone = pair.source is None
            labels = {
                "Stream": feed.name,
                "Picture": "alone" if alone else variant.kind,
                "Number": str(pair.number),
                "Level": pair.level,
            }
            data.append(part(jpeg, labels))
    return b"".join(data)


async def _first(viewer: Viewer, feed: Feed, variant: Variant) -> bytes | None:
    try:
        async with asyncio.timeout(STILL_S):
            while feed.pair is None and not feed.ended:
                viewer.news.clear()
                await viewer.news.wait()
    except TimeoutError:
        return None
    return None if feed.pair is None else await feed.jpeg(feed.pair, variant)


def _variant(request: web.Request, extent: str) -> Variant:
    try:
        return parse_variant(request.query, "full" if extent == "full" else "small")
    except ValueError as error:
        raise web.HTTPBadRequest(text=f"{error}\n") from None


def _too_many() -> web.HTTPException:
    return web.HTTPServiceUnavailable(text="too many viewers\n", headers={"Retry-After": _SECONDS})
