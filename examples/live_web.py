"""Example of a web application around a live stream: aiohttp serves its pictures as they come.

python live_web.py rtsp://HOST/cam         # then open http://127.0.0.1:8080/
"""

from __future__ import annotations

import argparse
import asyncio
import io
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import av

try:
    from aiohttp import web
except ImportError:
    sys.exit("error: aiohttp is not installed. Hint: pip install aiohttp")

from vidsr.errors import VidsrError
from vidsr.live import Stream

DEMO = Path(__file__).with_name("demo.mp4")
STREAM: web.AppKey[Stream] = web.AppKey("stream", Stream)


def jpeg_of(picture: av.VideoFrame) -> bytes:
    """Return a picture as JPEG."""
    file = io.BytesIO()
    with av.open(file, "w", format="mjpeg") as output:
        stream: Any = output.add_stream("mjpeg", rate=25)
        stream.width, stream.height, stream.pix_fmt = picture.width, picture.height, "yuvj420p"
        image = picture.reformat(format="yuvj420p")
        image.pts = None
        output.mux(stream.encode(image))
        output.mux(stream.encode(None))
    return file.getvalue()


async def pictures(request: web.Request) -> web.StreamResponse:
    """Send JPEGs one after the other; a viewer that is slow misses some and delays nobody."""
    kind = "multipart/x-mixed-replace; boundary=frame"
    response = web.StreamResponse(headers={"Content-Type": kind, "Cache-Control": "no-store"})
    await response.prepare(request)
    async for picture in request.app[STREAM]:
        data = await asyncio.to_thread(jpeg_of, picture)
        head = f"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: {len(data)}\r\n\r\n"
        await response.write(head.encode() + data + b"\r\n")
    return response


async def state(request: web.Request) -> web.Response:
    """Send the stream's state and counters."""
    status = request.app[STREAM].stats()
    facts = {
        "state": status.state,
        "level": status.level,
        "received": status.tally.received,
        "shown": dict(status.tally.shown),
        "dropped": dict(status.tally.dropped),
    }
    return web.json_response(facts)


async def page(_: web.Request) -> web.Response:
    """Send the page."""
    return web.Response(text='<img src="/pictures">', content_type="text/html")


def application(source: str, **options: Any) -> web.Application:
    """Return the application of a stream, which runs as long as it does."""

    async def running(app: web.Application) -> AsyncIterator[None]:
        app[STREAM] = await asyncio.to_thread(Stream, source, **options)
        app[STREAM].start()
        yield
        await asyncio.to_thread(app[STREAM].stop)

    app = web.Application()
    app.cleanup_ctx.append(running)
    app.add_routes([web.get("/", page), web.get("/pictures", pictures), web.get("/state", state)])
    return app


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("source", nargs="?", default=str(DEMO), help="an address or a file")
    parser.add_argument("--port", type=int, default=8080)
    arguments = parser.parse_args()
    app = application(arguments.source, realtime=True, loop=True, model="lite-fast-x2")
    try:
        web.run_app(app, host="127.0.0.1", port=arguments.port)
    except (VidsrError, OSError) as error:  # a wrong source, or a port that others have
        sys.exit(f"error: {error}")


if __name__ == "__main__":
    main()
