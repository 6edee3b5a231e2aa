"""Routes of the web server."""

from __future__ import annotations

from collections.abc import AsyncIterator

from aiohttp import web

from vidsr.live.base.status import StreamsView
from vidsr.live.web.access.guard import Guard
from vidsr.live.web.access.headers import add_headers
from vidsr.live.web.access.login import Login
from vidsr.live.web.page.handlers import Pages
from vidsr.live.web.page.login_page import login_page
from vidsr.live.web.previews.handlers import Pictures
from vidsr.live.web.previews.hub import Hub
from vidsr.live.web.server.health import Health
from vidsr.live.web.server.hls import HlsFiles

LONGEST_BODY = 8 * 1024  # bytes: a token, and where to go with it


def make_application(view: StreamsView, guard: Guard, most_viewers: int) -> web.Application:
    """Return the application, whose hub begins and ends with it."""
    app = web.Application(middlewares=[guard.middleware], client_max_size=LONGEST_BODY)
    app.on_response_prepare.append(add_headers)
    hub = Hub(view, most_viewers)

    async def hub_context(_: web.Application) -> AsyncIterator[None]:
        yield
        await hub.close()

    app.cleanup_ctx.append(hub_context)
    _add_machine_routes(app, Health(view))
    _add_picture_routes(app, Pictures(view, hub))
    app.router.add_get("/hls/{name}/{sink}/{file}", HlsFiles(view).file)
    _add_page_routes(app, Pages(view, may_leave=guard.sessions is not None))
    login = Login(guard, login_page)
    app.router.add_get("/login", login.show)
    app.router.add_post("/login", login.enter)
    app.router.add_post("/logout", login.leave)
    return app


def _add_machine_routes(app: web.Application, health: Health) -> None:
    app.router.add_get("/healthz", health.alive)
    app.router.add_get("/readyz", health.ready)
    app.router.add_get("/metrics", health.metrics)
    app.router.add_get("/api/streams", health.streams)
    app.router.add_get("/api/streams/{name}", health.stream)


def _add_picture_routes(app: web.Application, pictures: Pictures) -> None:
    # HEAD would copy and code pictures for nobody.
    app.router.add_get("/pictures", pictures.all, allow_head=False)
    app.router.add_get("/streams/{name}/preview.mjpeg", pictures.preview, allow_head=False)
    app.router.add_get("/streams/{name}/pairs", pictures.pairs, allow_head=False)
    app.router.add_get("/streams/{name}/snapshot.jpg", pictures.still, allow_head=False)


def _add_page_routes(app: web.Application, pages: Pages) -> None:
    app.router.add_get("/", pages.all)
    app.router.add_get("/streams/{name}", pages.one)
    app.router.add_get("/static/{name}", pages.static)
