"""Screenshots of the pages with streams that move, to look at: python -m tests.live.web.shots."""

from __future__ import annotations

import asyncio
import random
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

import av

import vidsr
from tests.live.web.chromium import page
from tests.live.web.fakes import TALLY, FakeView, status
from tests.paths import ROOT
from vidsr.live.base.counters import Tally
from vidsr.live.base.status import DeviceStatus, PicturePair
from vidsr.live.web.options import WebOptions
from vidsr.live.web.server import WebServer
from vidsr.picture.color import ColorSpec
from vidsr.picture.frame import Frame, PixelFormat, VideoFormat, view_planes

MODEL = "lite-fast-x2"
DEMO = ROOT / "examples" / "demo.mp4"
DRAWN = "document.querySelector('canvas')?.width > 16"


def frame_of(image: av.VideoFrame) -> Frame:
    """Return a picture as a frame."""
    size = image.width, image.height
    layout = VideoFormat(*size, PixelFormat("yuv", 8, (2, 2)), ColorSpec(matrix=6, range=1))
    return Frame(tuple(plane.clone() for plane in view_planes(image)), layout)


def upscaled_demo() -> list[PicturePair]:
    """Return the demo clip with what a model makes of it."""
    upscaler = vidsr.Upscaler(MODEL)
    with av.open(str(DEMO)) as container:
        images = list(container.decode(video=0))
    return [
        PicturePair(number, frame_of(large), frame_of(image), MODEL)
        for number, (image, large) in enumerate(zip(images, upscaler.stream(images), strict=True))
    ]


def busy_view() -> FakeView:
    """Return streams in all kinds of states."""
    now_s = time.time()
    levels: dict[str, object] = {
        "model": MODEL,
        "levels": (MODEL, "bicubic"),
        "level": MODEL,
        "size_in": (320, 180),
        "size_out": (640, 360),
    }
    still: dict[str, object] = {
        **levels,
        "fps_in": 0.0,
        "fps_out": 0.0,
        "latency_p50_s": None,
        "latency_p95_s": None,
        "tally": Tally(),
    }
    shown = {MODEL: 7_410, "bicubic": 31}
    tally = replace(TALLY, received=7_441, shown=shown, dropped={})
    lost = replace(TALLY, received=7_404, shown=shown, dropped={"late": 21, "superseded": 12})
    refused = "the camera refused the user or the password"
    silent = "the camera does not answer: timed out after 5 s"
    streams = [
        status("door", **{**levels, "tally": tally}),
        status("yard", **{**levels, "tally": lost, "level": "bicubic", "latency_p50_s": 0.0784}),
        status("studio", **{**levels, "tally": tally, "source_kind": "rtmp"}),
        status("car park", **{**still, "state": "waiting", "since_s": now_s - 47, "error": silent}),
        status("gate", **{**still, "state": "connecting", "size_in": None, "since_s": now_s}),
        status("roof", **{**still, "state": "failed", "error": refused}),
    ]
    devices = (DeviceStatus("cpu", 320.0, 2),)
    return FakeView({one.name: one for one in streams}, started_s=now_s - 312, devices=devices)


def play(view: FakeView, names: tuple[str, ...], stop: threading.Event) -> None:
    """Push the demo clip at 10 pictures a second until told to stop."""
    pairs = upscaled_demo()
    number, draw = 0, random.Random(1)
    while not stop.wait(0.1):
        for place, name in enumerate(names):
            view.push(name, replace(pairs[(number + 20 * place) % len(pairs)], number=number))
        number += 1
        door = view.streams["door"]
        p50 = 0.6 * (door.latency_p50_s or 0.03) + 0.4 * draw.uniform(0.026, 0.039)
        out = draw.uniform(24.3, 25.0)
        view.streams["door"] = replace(
            door, latency_p50_s=p50, latency_p95_s=p50 * draw.uniform(1.5, 2.0), fps_out=out
        )


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
            await browser.look(1280, 1500, dark=True)
            await asyncio.sleep(20 if name == "one" else 0.3)
            await browser.shoot(folder / f"{name}-dark.png")
        print(browser.complaints)


async def shoot_login(address: str, folder: Path) -> None:
    """Write a picture of the login page."""
    async with page() as browser:
        await browser.look(900, 600)
        await browser.open(address)
        await browser.until("!!document.querySelector('#token')")
        await browser.shoot(folder / "login.png")


def main(folder: Path) -> None:
    """Play streams, and write screenshots of their pages."""
    folder.mkdir(parents=True, exist_ok=True)
    view, stop = busy_view(), threading.Event()
    player = threading.Thread(target=play, args=(view, ("door", "yard", "studio"), stop))
    player.start()
    server = WebServer(view, WebOptions(listen="127.0.0.1:0"))
    guarded = WebServer(view, WebOptions(listen="127.0.0.1:0", token="of-nobody-at-all"))
    server.start()
    guarded.start()
    try:
        asyncio.run(shoot(server.address, folder))
        asyncio.run(shoot_login(guarded.address, folder))
    finally:
        stop.set()
        server.stop()
        guarded.stop()
        player.join()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
