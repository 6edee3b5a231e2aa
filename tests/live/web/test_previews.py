"""Moving pictures: newest first, coded once, nothing for nobody, nobody held back."""

from __future__ import annotations

import asyncio
import io
import re
import socket
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import av
import pytest
import torch
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from tests.live.web.fakes import FakeView, pair, picture
from tests.live.web.served import served
from vidsr.live.base.status import PicturePair
from vidsr.live.web.options import WebOptions
from vidsr.live.web.previews import feed as feeds
from vidsr.live.web.previews.handlers import Pictures
from vidsr.live.web.previews.hub import Full, Hub
from vidsr.live.web.previews.jpeg import JpegEncoder, fit
from vidsr.live.web.previews.multipart import BOUNDARY
from vidsr.live.web.previews.variants import Variant
from vidsr.picture.color import ColorSpec
from vidsr.picture.frame import Frame, PixelFormat, VideoFormat

LIMIT_S = 60.0


def decoded(jpeg: bytes) -> av.VideoFrame:
    """Return the picture of a JPEG file."""
    with av.open(io.BytesIO(jpeg), "r") as container:
        return next(container.decode(video=0))


def parts(data: bytes) -> Iterator[tuple[dict[str, str], bytes]]:
    """Yield headers and bodies of the whole parts in an answer."""
    while data:
        head, end, rest = data.partition(b"\r\n\r\n")
        lines = head.decode().split("\r\n")
        assert lines[0] == f"--{BOUNDARY}"
        headers = dict(line.split(": ") for line in lines[1:])
        size = int(headers["Content-Length"])
        if not end or len(rest) < size + 2:
            return
        yield headers, rest[:size]
        data = rest[size + 2 :]


def run(test: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Run a test on a loop, within bounds."""
    asyncio.run(asyncio.wait_for(test(), LIMIT_S))


@asynccontextmanager
async def pictures(view: FakeView) -> AsyncIterator[tuple[TestClient[Any, Any], Hub]]:
    """Yield a client of the handlers of pictures alone, and their hub."""
    hub = Hub(view)
    handlers = Pictures(view, hub)
    app = web.Application()
    app.router.add_get("/pictures", handlers.all)
    app.router.add_get("/{name}/preview", handlers.preview)
    app.router.add_get("/{name}/pairs", handlers.pairs)
    app.router.add_get("/{name}/still", handlers.still)
    server = TestServer(app)
    async with TestClient(server) as client:
        await server.start_server(handler_cancellation=True)
        yield client, hub
    await hub.close()


async def until(condition: Callable[[], bool]) -> None:
    """Wait for a condition."""
    while not condition():
        await asyncio.sleep(0.01)


async def first_parts(
    client: TestClient[Any, Any], path: str, number: int
) -> list[tuple[dict[str, str], bytes]]:
    """Return the first parts of an answer."""
    data = b""
    async with client.get(path) as answer:
        assert answer.content_type == "multipart/x-mixed-replace"
        while len(found := list(parts(data))) < number:
            data += await answer.content.readany()
    return found[:number]


def test_a_picture_keeps_its_shape_and_does_not_grow() -> None:
    assert fit((320, 180), (640, 360)) == (320, 180)
    assert fit((3840, 2160), (640, 360)) == (640, 360)
    assert fit((720, 576), (640, 360)) == (450, 360)
    assert fit((10_000, 1), (640, 360)) == (640, 1)


@pytest.mark.parametrize("pixel", [PixelFormat("yuv", 8, (2, 2)), PixelFormat("yuv", 10, (2, 2))])
@pytest.mark.parametrize("full_range", [False, True])
@pytest.mark.parametrize("matrix", [1, 6, 9, 2])
def test_colours_survive(pixel: PixelFormat, full_range: bool, matrix: int) -> None:
    """A saturated red of each matrix comes out as red, white as white."""
    color = ColorSpec(matrix=matrix, range=2 if full_range else 1)
    layout = VideoFormat(64, 48, pixel, color)
    red, blue = {1: (0.2126, 0.0722), 9: (0.2627, 0.0593)}.get(matrix, (0.299, 0.114))
    top = (1 << pixel.depth) - 1
    shift = pixel.depth - 8
    luma = red * (top if full_range else 219 << shift) + (0 if full_range else 16 << shift)
    span = top if full_range else 224 << shift
    chroma = [(128 << shift) - span * red / (2 * (1 - blue)), (128 << shift) + span / 2]
    sizes = layout.plane_sizes
    planes = tuple(
        torch.full(size, min(top, round(value)), dtype=pixel.dtype)
        for size, value in zip(sizes, (luma, *chroma), strict=True)
    )
    found = decoded(JpegEncoder().encode(Frame(planes, layout), (64, 48))).to_ndarray(
        format="rgb24"
    )
    assert abs(found.reshape(-1, 3).mean(0) - (255, 0, 0)).max() < 8


@pytest.mark.parametrize("family", ["gray", "rgb"])
def test_other_families_are_shown_too(family: Any) -> None:
    layout = VideoFormat(64, 48, PixelFormat(family, 8), ColorSpec(matrix=0, range=2))
    planes = tuple(torch.full(size, 200, dtype=torch.uint8) for size in layout.plane_sizes)
    found = decoded(JpegEncoder().encode(Frame(planes, layout), (32, 24)))
    assert (found.width, found.height) == (32, 24)
    assert abs(found.to_ndarray(format="gray").mean() - 200) < 4


@pytest.mark.parametrize("matrix", [1, 5, 9])
@pytest.mark.parametrize("size", [(64, 48), (32, 24), (128, 96), (40, 28)])
def test_grey_is_grey_in_every_size(matrix: int, size: tuple[int, int]) -> None:
    pixel, color = PixelFormat("yuv", 8, (2, 2)), ColorSpec(matrix=matrix, range=1)
    layout = VideoFormat(64, 48, pixel, color)
    for luma in (16, 90, 180, 235):
        planes = tuple(
            torch.full(plane, value, dtype=torch.uint8)
            for plane, value in zip(layout.plane_sizes, (luma, 128, 128), strict=True)
        )
        found = decoded(JpegEncoder().encode(Frame(planes, layout), size)).to_ndarray()
        assert (found[size[1] :] == 128).all()
        assert abs(found[: size[1]].mean() - (luma - 16) * 255 / 219) < 1


def test_a_picture_arrives_as_it_is() -> None:
    async def test() -> None:
        view = FakeView.of("door", pictures={"door": pair(7, 200)})
        async with pictures(view) as (client, _):
            ((headers, jpeg),) = await first_parts(client, "/door/preview", 1)
            assert headers["Content-Type"] == "image/jpeg"
            assert headers["X-Vidsr-Number"] == "7"
            assert headers["X-Vidsr-Level"] == "lite-x2"
            image = decoded(jpeg)
            assert (image.width, image.height) == (320, 180)
            assert abs(image.to_ndarray(format="gray").mean() - (200 - 16) * 255 / 219) < 3

    run(test)


def test_a_pair_is_of_one_moment_and_one_size() -> None:
    async def test() -> None:
        view = FakeView.of("door", pictures={"door": pair(7)})
        async with pictures(view) as (client, _):
            both = await first_parts(client, "/door/pairs", 2)
            assert [head["X-Vidsr-Picture"] for head, _ in both] == ["output", "source"]
            assert {head["X-Vidsr-Number"] for head, _ in both} == {"7"}
            assert {decoded(jpeg).width for _, jpeg in both} == {320}
            view.push("door", PicturePair(8, picture(320, 180), None, "repeat"))
            ((head, _),) = await first_parts(client, "/door/pairs", 1)
            assert head["X-Vidsr-Picture"] == "alone"

    run(test)


def test_all_streams_come_through_one_connection() -> None:
    async def test() -> None:
        names = ["door", "yard", "a b/ü"]
        view = FakeView.of(*names, "dark", pictures={name: pair(1) for name in names})
        async with pictures(view) as (client, _):
            found = await first_parts(client, "/pictures", 3)
            assert [head["X-Vidsr-Stream"] for head, _ in found] == [
                "door",
                "yard",
                "a%20b%2F%C3%BC",
            ]
            await first_parts(client, "/pictures?stream=yard", 1)
            await until(lambda: not any(view.watching.values()))

    run(test)


def test_eight_viewers_take_one_encoding() -> None:
    async def test() -> None:
        view = FakeView.of("door", pictures={"door": pair(1)})
        async with pictures(view) as (client, hub), aiohttp.ClientSession() as session:
            address = client.make_url("/door/preview")
            answers = [await session.get(address) for _ in range(8)]
            for number in range(1, 6):
                view.push("door", pair(number))
                for answer in answers:
                    data = b""
                    while f"X-Vidsr-Number: {number}\r".encode() not in data:
                        data += await answer.content.readany()
            assert hub.coded == 5
            assert view.watching["door"] == 1
            for answer in answers:
                answer.close()

    run(test)


def test_nothing_is_copied_or_coded_for_nobody() -> None:
    async def test() -> None:
        view = FakeView.of("door", pictures={"door": pair(1)})
        async with pictures(view) as (client, hub):
            await first_parts(client, "/door/preview", 1)
            await until(lambda: view.watching["door"] == 0)
            assert hub._polling is not None
            await until(hub._polling.done)
            coded = hub.coded
            view.push("door", pair(2))
            await asyncio.sleep(0.1)
            assert hub.coded == coded

    run(test)


@contextmanager
def stuck(address: str, path: str) -> Iterator[socket.socket]:
    """Yield a viewer who asks for pictures and takes none."""
    place = urlsplit(address)
    with socket.socket() as viewer:
        viewer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        viewer.connect((place.hostname, place.port))
        viewer.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        yield viewer


def noise(number: int) -> PicturePair:
    """Return a pair whose JPEG is large."""
    layout = picture(640, 360).format
    draw = torch.Generator().manual_seed(number)
    planes = tuple(
        torch.randint(0, 255, size, dtype=torch.uint8, generator=draw)
        for size in layout.plane_sizes
    )
    return PicturePair(number, Frame(planes, layout), None, "lite-x2")


def test_a_stuck_viewer_holds_nobody_back_and_ends_up_costing_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(feeds, "LINGER_S", 0.3)

    async def test() -> None:
        view = FakeView.of("door", pictures={"door": noise(0)})
        async with pictures(view) as (client, hub), aiohttp.ClientSession() as session:
            with stuck(str(client.make_url("/")), "/door/preview"):
                address = client.make_url("/door/preview")
                async with session.get(address) as answer:
                    for number in range(1, 12):
                        view.push("door", noise(number))
                        data = b""
                        while f"X-Vidsr-Number: {number}\r".encode() not in data:
                            data = data[-100:] + await answer.content.readany()
                # The stuck one is alone now: the copying ends, and with it the coding.
                await until(lambda: view.watching["door"] == 0)
                coded = hub.coded
                assert coded <= 12
                view.push("door", noise(99))
                await asyncio.sleep(0.2)
                assert hub.coded == coded

    run(test)


def test_a_slow_viewer_gets_the_newest_and_not_the_next() -> None:
    async def test() -> None:
        view = FakeView.of("door", pictures={"door": noise(0)})
        loop = asyncio.get_running_loop()
        async with pictures(view) as (client, hub):
            with stuck(str(client.make_url("/")), "/door/preview") as viewer:
                viewer.setblocking(False)
                for number in range(1, 26):  # a second of pictures that nobody takes
                    view.push("door", noise(number))
                    await asyncio.sleep(0.04)
                assert hub.coded < 12  # what the system's buffers hold, and one on its way
                view.push("door", noise(100))
                data = b""
                while b"X-Vidsr-Number: 100\r" not in data:
                    data += await loop.sock_recv(viewer, 1 << 16)
        numbers = [int(found) for found in re.findall(rb"X-Vidsr-Number: (\d+)", data)]
        assert numbers == sorted(numbers)
        assert len(numbers) < 14

    run(test)


def test_a_viewer_who_takes_nothing_for_long_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vidsr.live.web.previews.handlers.STUCK_S", 0.3)

    async def test() -> None:
        view = FakeView.of("door", pictures={"door": noise(0)})
        async with pictures(view) as (client, hub):
            with stuck(str(client.make_url("/")), "/door/preview"):
                await until(lambda: hub._viewers == 1)
                number = 1
                while hub._viewers:
                    view.push("door", noise(number))
                    number += 1
                    await asyncio.sleep(0.02)

    run(test)


def test_a_still_is_the_newest_picture() -> None:
    with served(FakeView.of("door", pictures={"door": pair(1, 90)})) as client:
        answer = client.ask("/streams/door/snapshot.jpg")
        assert answer.headers["Content-Type"] == "image/jpeg"
        assert decoded(answer.body).width == 320
        source = client.ask("/streams/door/snapshot.jpg?picture=source&size=small")
        assert decoded(source.body).width == 320
        assert client.ask("/streams/none/snapshot.jpg").status == 404
        assert client.ask("/streams/door/snapshot.jpg?size=huge").status == 400


def test_there_is_no_still_before_the_first_picture(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vidsr.live.web.previews.handlers.STILL_S", 0.1)
    view = FakeView.of("door")
    with served(view) as client:
        answer = client.ask("/streams/door/snapshot.jpg")
        assert answer.status == 503
        assert "Retry-After" in answer.headers
    assert view.watching["door"] == 0


def test_a_stream_that_goes_ends_its_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feeds, "RENEW_S", 0.1)

    async def test() -> None:
        view = FakeView.of("door", pictures={"door": pair(1)})
        async with pictures(view) as (client, _), client.get("/door/preview") as answer:
            await answer.content.readany()
            del view.streams["door"], view.pictures["door"]
            while await answer.content.readany():
                pass
            assert (await client.get("/door/preview")).status == 404

    run(test)


def test_a_stream_that_is_replaced_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """A reload begins a new stream of the name; watches of the old one bring nothing more."""
    monkeypatch.setattr(feeds, "RENEW_S", 0.1)

    async def test() -> None:
        view = FakeView.of("door", pictures={"door": pair(50)})
        async with pictures(view) as (client, _), client.get("/door/preview") as answer:
            await answer.content.readany()
            view.push("door", pair(1))
            data = b""
            while b"X-Vidsr-Number: 1\r" not in data:
                data += await answer.content.readany()
            began = time.monotonic()
            await until(lambda: time.monotonic() - began > 0.3)
            assert view.watching["door"] == 1

    run(test)


def test_viewers_are_counted() -> None:
    async def test() -> None:
        hub = Hub(FakeView.of("door"), 2)
        with ExitStack() as inside:
            inside.enter_context(hub.viewer(["door"]))
            inside.enter_context(hub.viewer(["door"]))
            with pytest.raises(Full), hub.viewer(["door"]):
                pass
        with hub.viewer(["door"]):
            pass
        await hub.close()

    run(test)


def test_too_many_viewers_are_told() -> None:
    view = FakeView.of("door", pictures={"door": pair(1)})
    with served(view, WebOptions(listen="127.0.0.1:0", viewers=0)) as client:
        assert client.ask("/pictures").status == 503
        assert client.ask("/streams/door/snapshot.jpg").status == 503
        assert client.ask("/").status == 200


def test_one_encoding_serves_all_who_wait_for_it() -> None:
    async def test() -> None:
        view = FakeView.of("door", pictures={"door": pair(1)})
        hub = Hub(view)
        with hub.viewer(["door"]) as (viewer, (feed,)):
            await viewer.news.wait()
            newest = feed.pair
            assert newest
            variant = Variant("output", "small")
            impatient = asyncio.create_task(feed.jpeg(newest, variant))
            waiting = asyncio.create_task(feed.jpeg(newest, variant))
            await asyncio.sleep(0)
            impatient.cancel()
            assert (await waiting or b"").startswith(b"\xff\xd8")
            assert hub.coded == 1
        await hub.close()

    run(test)
