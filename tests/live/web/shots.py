"""Screenshots of the pages with streams that move, to look at: python -m tests.live.web.shots."""

from __future__ import annotations

import asyncio
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

import av

from tests.live.web.chromium import page
from tests.live.web.fakes import TALLY, FakeView, status
from tests.paths import ROOT
from vidsr.live.base.status import PicturePair, SinkStatus
from vidsr.live.web.options import WebOptions
from vidsr.live.web.server import WebServer
from vidsr.picture.color import ColorSpec
from vidsr.picture.frame import Frame, PixelFormat, VideoFormat, view_planes

DEMO = ROOT / "examples" / "demo.mp4"
DRAWN = "document.querySelector('canvas')?.width > 16"


def small(width: int, height: int, image: av.VideoFrame) -> Frame:
    """Return a picture in a size as a frame."""
    scaled = image.reformat(width, height, format="yuv420p")
    layout = VideoFormat(width, height, PixelFormat("yuv", 8, (2, 2)), ColorSpec(matrix=6, range=1))
    return Frame(tuple(plane.clone() for plane in view_planes(scaled)), layout)


def busy_view() -> FakeView:
    """Return streams in all kinds of states."""
    now_s = time.time()
    streams = [
        status("door", tally=replace(TALLY, dropped={}, received=950)),
        status("yard", level="lite-fast-x2", latency_p50_s=0.0784, latency_p95_s=0.1312),
        status(
            "studio",
            source="rtmp://127.0.0.1/live/studio",
            source_kind="rtmp",
            fps_in=50.0,
            fps_out=50.0,
            size_in=(960, 540),
            size_out=(1920, 1080),
        ),
        status(
            "car park",
            state="waiting",
            since_s=now_s - 47,
            fps_in=0.0,
            fps_out=25.0,
            error="the camera does not answer: timed out after 5 s",
            sinks=(SinkStatus("hls:/var/lib/vidsr/park", "hls", "running", now_s),),
        ),
        status("gate", state="connecting", fps_in=0.0, fps_out=0.0, size_in=None, size_out=None),
        status(
            "roof",
            state="failed",
            fps_in=0.0,
            fps_out=0.0,
            error="the camera refused the user or the password",
        ),
    ]
    return FakeView({one.name: one for one in streams}, started_s=now_s - 400)


def play(view: FakeView, names: tuple[str, ...], stop: threading.Event) -> None:
    """Push the demo clip at 10 pictures a second until told to stop."""
    with av.open(str(DEMO)) as container:
        images = list(container.decode(video=0))
    pairs = [(small(320, 180, image), small(160, 90, image)) for image in images]
    number = 0
    while not stop.wait(0.1):
        for place, name in enumerate(names):
            output, source = pairs[(number + 20 * place) % len(pairs)]
            view.push(name, PicturePair(number, output, source, view.streams[name].level))
        number += 1


async def shoot(address: str, folder: Path) -> None:
    """Write pictures of both pages: wide, on a phone, in the dark."""
    async with page() as browser:
        for name, path in (("all", ""), ("one", "streams/door")):
            for look, width, height in (("wide", 1280, 1080), ("phone", 390, 1900)):
                await browser.look(width, height)
                await browser.open(address + path)
                await browser.until(DRAWN)
                await asyncio.sleep(1.5)
                await browser.shoot(folder / f"{name}-{look}.png")
            await browser.look(1280, 1080, dark=True)
            await asyncio.sleep(0.3)
            await browser.shoot(folder / f"{name}-dark.png")
        print(browser.complaints)


def main(folder: Path) -> None:
    """Play streams, and write screenshots of their pages."""
    folder.mkdir(parents=True, exist_ok=True)
    view, stop = busy_view(), threading.Event()
    player = threading.Thread(target=play, args=(view, ("door", "yard", "studio"), stop))
    player.start()
    server = WebServer(view, WebOptions(listen="127.0.0.1:0"))
    server.start()
    try:
        asyncio.run(shoot(server.address, folder))
    finally:
        stop.set()
        server.stop()
        player.join()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
